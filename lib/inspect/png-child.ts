import { buffer } from "node:stream/consumers";
import sharp from "sharp";

/** Pixels of a PNG for one of the SVG. */
const DENSITY = 2;
const CSS_DPI = 72;

// An SVG comes in, a PNG of twice its size goes out.
const svg = await buffer(process.stdin);
process.stdout.write(
  await sharp(svg, { density: CSS_DPI * DENSITY })
    .png()
    .toBuffer(),
);
