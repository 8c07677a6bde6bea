import type { Pixels } from "../data/image/png.js";

/** Pixels between two tiles. */
const GAP = 1;
const MOST_TILES = 256;

/**
 * Planes as tiles of one picture, each from its least value (black) to its greatest (white). `values` is [tiles, channels, height,
 * width]; three channels are red, green and blue, of another number each is a tile of its own. At most 256 tiles.
 */
export function tiles(values: ArrayLike<number>, shape: readonly number[]): Pixels {
  const [n = 1, c = 1, h = 1, w = 1] = shape;
  const channels = c === 3 ? 3 : 1;
  const count = Math.min(MOST_TILES, channels === 3 ? n : n * c);
  const columns = Math.max(1, Math.ceil(Math.sqrt((count * h) / w)));
  const rows = Math.ceil(count / columns);
  const width = columns * (w + GAP) - GAP;
  const height = rows * (h + GAP) - GAP;
  const data = new Uint8Array(width * height * channels).fill(128);
  const size = channels * h * w;
  for (let tile = 0; tile < count; tile++) {
    const start = tile * size;
    let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let i = start; i < start + size; i++) {
      const value = values[i]!;
      if (value < min) min = value;
      if (value > max) max = value;
    }
    const scale = max > min ? 255 / (max - min) : 0;
    const top = Math.floor(tile / columns) * (h + GAP);
    const left = (tile % columns) * (w + GAP);
    for (let channel = 0; channel < channels; channel++)
      for (let y = 0; y < h; y++)
        for (let x = 0; x < w; x++) {
          const value = values[start + (channel * h + y) * w + x]!;
          data[((top + y) * width + left + x) * channels + channel] =
            scale === 0 ? 128 : Math.round((value - min) * scale);
        }
  }
  return { width, height, channels, data };
}
