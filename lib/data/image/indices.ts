import { type ColourMode, decodeImage, type Image } from "./image.js";

const PNG = [0x89, 0x50, 0x4e, 0x47];

/** Places in a PNG file: its first chunk, and in that one the kind of its colours, of which 3 is a palette. */
const [CHUNKS, COLOURS, PALETTE] = [8, 25, 3];

/**
 * Decodes an image of labels to [1, h, w]: of a PNG with a palette the number of each pixel's entry, the first of equal ones, as PASCAL VOC stores
 * classes; of others the grey values. Throws (or rejects with) a NetrunError where it cannot.
 */
export function decodeIndices(bytes: Uint8Array, mode: ColourMode): Image | Promise<Image> {
  const palette = paletteOf(bytes);
  if (!palette) return decodeImage(bytes, mode);
  return Promise.resolve(decodeImage(bytes, "color")).then(({ shape: [, height, width], pixels }) => {
    const size = height * width;
    const indices = new Uint8Array(size);
    // Planes are blue, green and red.
    for (let i = 0; i < size; i++)
      indices[i] = palette.get(keyOf(pixels[2 * size + i]!, pixels[size + i]!, pixels[i]!)) ?? 0;
    return { shape: [1, height, width], pixels: indices };
  });
}

const keyOf = (red: number, green: number, blue: number): number => (red << 16) | (green << 8) | blue;

/** Numbers of a PNG's palette by their colours; undefined where it has none. */
function paletteOf(bytes: Uint8Array): ReadonlyMap<number, number> | undefined {
  if (PNG.some((byte, i) => bytes[i] !== byte) || bytes[COLOURS] !== PALETTE) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = CHUNKS; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
    if (String.fromCharCode(...bytes.subarray(at + 4, at + 8)) !== "PLTE") continue;
    const entries = bytes.subarray(at + 8, at + 8 + view.getUint32(at));
    const numbers = new Map<number, number>();
    for (let i = entries.length / 3 - 1; i >= 0; i--)
      numbers.set(keyOf(entries[3 * i]!, entries[3 * i + 1]!, entries[3 * i + 2]!), i);
    return numbers;
  }
  return undefined;
}
