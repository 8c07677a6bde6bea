import { NetrunError } from "../../error.js";
import { grayOfBgr } from "./gray.js";
import type { ColourMode, Image } from "./pixels.js";

const HEADER = 54;

/** Tests whether bytes begin as a BMP file does. */
export const isBmp = (bytes: Uint8Array): boolean => bytes.length > HEADER && bytes[0] === 0x42 && bytes[1] === 0x4d;

/**
 * Decodes a BMP file of 8 bits a pixel with a palette, or of 24 bits, as OpenCV does: a palette of grays is one channel. Rejects with a NetrunError for other kinds, and where the file is cut off.
 */
export async function decodeBmp(bytes: Uint8Array, mode: ColourMode): Promise<Image> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [width, signedHeight] = [view.getInt32(18, true), view.getInt32(22, true)];
  const height = Math.abs(signedHeight);
  const bits = view.getUint16(28, true);
  const compression = view.getUint32(30, true);
  if ((bits !== 8 && bits !== 24) || compression !== 0)
    throw new NetrunError(`the image does not decode: a BMP of ${bits} bits a pixel and compression ${compression}`, {
      notes: ["uncompressed BMP files of 8 or 24 bits a pixel can be read; others as PNG"],
    });
  // Rows are filled up to whole words of 32 bits.
  const stride = 4 * Math.ceil((width * bits) / 32);
  const start = view.getUint32(10, true);
  if (!(width > 0 && height > 0) || start + stride * height > bytes.length)
    throw new NetrunError("the image does not decode: the BMP file is cut off or damaged");
  const colours = bits === 8 ? paletteOf(bytes, view) : undefined;
  const isGray = mode === "gray" || (mode === "unchanged" && colours !== undefined && hasGraysOnly(colours));
  const channels = isGray ? 1 : 3;
  const area = width * height;
  const pixels = new Uint8Array(channels * area);
  for (let y = 0; y < height; y++) {
    const row = start + (signedHeight > 0 ? height - 1 - y : y) * stride;
    for (let x = 0; x < width; x++) {
      const from = colours ?? bytes;
      const at = colours ? 4 * bytes[row + x]! : row + 3 * x;
      const to = y * width + x;
      if (isGray) pixels[to] = grayOfBgr(from[at]!, from[at + 1]!, from[at + 2]!);
      else for (let c = 0; c < 3; c++) pixels[c * area + to] = from[at + c]!;
    }
  }
  return { shape: [channels, height, width], pixels };
}

/** 256 entries of blue, green, red and nothing; those that the file does not have are black. */
function paletteOf(bytes: Uint8Array, view: DataView): Uint8Array {
  const palette = new Uint8Array(1024);
  const from = 14 + view.getUint32(14, true);
  palette.set(bytes.subarray(from, Math.min(from + 4 * (view.getUint32(46, true) || 256), from + 1024)));
  return palette;
}

function hasGraysOnly(palette: Uint8Array): boolean {
  for (let at = 0; at < palette.length; at += 4)
    if (palette[at] !== palette[at + 1] || palette[at] !== palette[at + 2]) return false;
  return true;
}
