import { NetrunError } from "../../error.js";
import { pngOf } from "./png.js";

/** Images in rows of a picture. */
export interface Tiles {
  /** Each image's values [channels, height, width], blue first where there are three. */
  readonly images: readonly ArrayLike<number>[];
  /** The values that are black and white; default the least and the greatest of each image. */
  readonly range?: readonly [black: number, white: number] | undefined;
}

/** Pixels between two images. */
const GAP = 2;
/** Grey of the gaps. */
const BACKGROUND = 96;

/**
 * A PNG of images in a grid, `columns` a line; each group begins a line of its own. `shape` is that of every image: [channels, height, width] with 1 or
 * 3 channels. Each pixel is drawn `zoom` times. Throws NetrunError for another shape.
 */
export async function tilesPng(
  groups: readonly Tiles[],
  shape: readonly number[],
  { columns = 16, zoom = 2 }: { readonly columns?: number; readonly zoom?: number } = {},
): Promise<Uint8Array> {
  const [channels, height, width] = shape as [number, number, number];
  if (shape.length !== 3 || (channels !== 1 && channels !== 3))
    throw new NetrunError(`no picture is made of [${shape}]: images are [1 or 3, height, width]`);
  const lines = groups.reduce((sum, { images }) => sum + Math.ceil(images.length / columns), 0);
  const [wide, high] = [columns * (width + GAP) + GAP, lines * (height + GAP) + GAP];
  const pixels = new Uint8Array(wide * high * 3).fill(BACKGROUND);
  let line = 0;
  for (const { images, range } of groups) {
    for (const [i, image] of images.entries()) {
      const values = Array.from(image);
      const [black, white] = range ?? [
        values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
        values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
      ];
      const left = GAP + (i % columns) * (width + GAP);
      const top = GAP + (line + Math.floor(i / columns)) * (height + GAP);
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++)
          for (let c = 0; c < 3; c++) {
            const value = values[((channels === 3 ? 2 - c : 0) * height + y) * width + x]!;
            const level = white > black ? (255 * (value - black)) / (white - black) : 0;
            pixels[((top + y) * wide + left + x) * 3 + c] = Math.min(255, Math.max(0, Math.round(level)));
          }
    }
    line += Math.ceil(images.length / columns);
  }
  return pngOf({ width: wide, height: high, channels: 3, data: pixels }, zoom);
}
