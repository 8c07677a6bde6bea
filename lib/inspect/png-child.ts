import { text } from "node:stream/consumers";
import sharp from "sharp";

/** Pixels of a PNG for one of the SVG. */
const DENSITY = 2;
const CSS_DPI = 72;
/** The longest side that cairo, which libvips draws with, has room for is 32,767 pixels. */
const LONGEST = 32_000;

// An SVG comes in, a PNG of twice its size goes out: of less where a net is so long that it would have no room.
const given = await text(process.stdin);
// Graphviz counts in points, which would grow with the square of the density.
const svg = given.replace(
  /<svg width="([\d.]+)pt" height="([\d.]+)pt"/,
  (_, width: string, height: string) => `<svg width="${Number(width) / 0.75}" height="${Number(height) / 0.75}"`,
);
const open = (density: number) => sharp(Buffer.from(svg), { density, limitInputPixels: false, unlimited: true });
try {
  const { width, height } = await open(CSS_DPI / 8).metadata();
  const room = LONGEST / (8 * Math.max(width, height));
  process.stdout.write(
    await open(Math.max(1, CSS_DPI * Math.min(DENSITY, room)))
      .png()
      .toBuffer(),
  );
} catch (error) {
  process.stderr.write((error as Error).message);
  process.exitCode = 1;
}
