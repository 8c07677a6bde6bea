import { byteOf } from "./pixels.js";

const BYTES = 256;
/** Parts of each side that OpenCV's CLAHE looks at apart. */
const PARTS = 8;
/** Entries of a part's histogram above this many times the mean are spread over all bytes. */
const CLIP = 4;

const histogramOf = (pixels: Iterable<number>): Int32Array => {
  const counts = new Int32Array(BYTES);
  for (const value of pixels) counts[value]!++;
  return counts;
};

/** A plane of bytes whose histogram is spread over all bytes. Source: OpenCV's equalizeHist. */
export function equalized(pixels: Uint8Array): Uint8Array {
  const counts = histogramOf(pixels);
  const first = counts.findIndex((n) => n > 0);
  if (counts[first] === pixels.length) return pixels.slice();
  const scale = Math.fround((BYTES - 1) / (pixels.length - counts[first]!));
  const table = new Uint8Array(BYTES);
  let sum = 0;
  for (let value = first + 1; value < BYTES; value++) {
    sum += counts[value]!;
    table[value] = byteOf(Math.fround(sum * scale));
  }
  return pixels.map((value) => table[value]!);
}

/**
 * A plane of bytes whose histogram is spread in each of 8 by 8 parts, with limited contrast; between their middles it is
 * interpolated. Source: OpenCV's CLAHE with a clip limit of 4.
 */
export function locallyEqualized(pixels: Uint8Array, height: number, width: number): Uint8Array {
  // OpenCV takes parts of equal size from a larger image, whose rest mirrors the edge.
  const isWhole = height % PARTS === 0 && width % PARTS === 0;
  const sizeOf = (side: number) => (isWhole ? side : side + PARTS - (side % PARTS)) / PARTS;
  const [partHeight, partWidth] = [sizeOf(height), sizeOf(width)];
  const inside = (at: number, side: number) => (at < side ? at : Math.max(0, 2 * side - 2 - at));
  const tables = Array.from({ length: PARTS * PARTS }, (_, part) => {
    const [top, left] = [Math.floor(part / PARTS) * partHeight, (part % PARTS) * partWidth];
    return tableOf(
      Array.from({ length: partHeight * partWidth }, (_unused, i) => {
        const [y, x] = [top + Math.floor(i / partWidth), left + (i % partWidth)];
        return pixels[inside(y, height) * width + inside(x, width)]!;
      }),
    );
  });
  const between = (at: number, size: number) => {
    const place = at / size - 0.5;
    const low = Math.floor(place);
    return { low: Math.max(0, low), high: Math.min(PARTS - 1, low + 1), rest: place - low };
  };
  return pixels.map((value, i) => {
    const [y, x] = [between(Math.floor(i / width), partHeight), between(i % width, partWidth)];
    const row = (part: number) =>
      tables[part * PARTS + x.low]![value]! * (1 - x.rest) + tables[part * PARTS + x.high]![value]! * x.rest;
    return byteOf(row(y.low) * (1 - y.rest) + row(y.high) * y.rest);
  });
}

/** The bytes that a part's bytes become. */
function tableOf(part: readonly number[]): Uint8Array {
  const counts = histogramOf(part);
  const limit = Math.max(1, Math.floor((CLIP * part.length) / BYTES));
  let rest = 0;
  for (let value = 0; value < BYTES; value++) {
    rest += Math.max(0, counts[value]! - limit);
    counts[value] = Math.min(limit, counts[value]!);
  }
  const each = Math.floor(rest / BYTES);
  let left = rest - each * BYTES;
  for (let value = 0; value < BYTES; value++) counts[value]! += each;
  const step = left > 0 ? Math.max(1, Math.floor(BYTES / left)) : BYTES;
  for (let value = 0; value < BYTES && left > 0; value += step, left--) counts[value]!++;
  const scale = Math.fround((BYTES - 1) / part.length);
  let sum = 0;
  return Uint8Array.from(counts, (n) => {
    sum += n;
    return byteOf(Math.fround(sum * scale));
  });
}
