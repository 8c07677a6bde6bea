import { createRequire } from "node:module";
import type turbo from "@cwasm/jpeg-turbo";

// Two builds of one decoder, libjpeg-turbo, with the same bytes as result: sharp's costs 0.8 ms a call whatever the
// size, this one 0.05 ms for 32 x 32 but, without SIMD, twice sharp's time on photographs.
const require = createRequire(import.meta.url);
const PACKAGE = "@cwasm/jpeg-turbo";
let decoder: typeof turbo | undefined;

/** Pixels up to which `decodeSmallJpeg` is the faster decoder. */
export const SMALL_JPEG_PIXELS = 128 * 128;

/** Header of a JPEG frame. */
export interface JpegHeader {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/** The frame header of a JPEG, or undefined where the bytes are not a JPEG with a whole header. */
export function jpegHeader(bytes: Uint8Array): JpegHeader | undefined {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return undefined;
  for (let at = 2; at + 10 <= bytes.length; ) {
    if (bytes[at] !== 0xff) return undefined;
    const marker = bytes[at + 1]!;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame)
      return {
        height: bytes[at + 5]! * 256 + bytes[at + 6]!,
        width: bytes[at + 7]! * 256 + bytes[at + 8]!,
        channels: bytes[at + 9]!,
      };
    // Fill bytes and markers without a body.
    if (marker === 0xff) at++;
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) at += 2;
    else at += 2 + bytes[at + 2]! * 256 + bytes[at + 3]!;
  }
  return undefined;
}

/** The pixels of a JPEG as RGBA, row by row, or undefined where it does not decode without a warning. */
export function decodeSmallJpeg(bytes: Uint8Array): Uint8ClampedArray | undefined {
  decoder ??= require(PACKAGE) as typeof turbo;
  try {
    return decoder.decode(bytes).data;
  } catch {
    // Its errors unwind past C code that then never gives back its stack: start over with a fresh instance.
    delete require.cache[require.resolve(PACKAGE)];
    decoder = undefined;
    return undefined;
  }
}

/**
 * The JPEG with its colour transform switched off: what decodes then as R is the luma that libjpeg gives for a
 * grayscale read (as OpenCV's), where converting decoded colours back would round twice. Drops the JFIF segments,
 * which would say YCbCr, and adds Adobe's with transform 0.
 */
export function withoutColourTransform(bytes: Uint8Array): Uint8Array {
  const adobe = Uint8Array.of(0xff, 0xee, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0, 0);
  const parts: Uint8Array[] = [bytes.subarray(0, 2), adobe];
  let at = 2;
  while (at + 4 <= bytes.length && bytes[at] === 0xff && ((bytes[at + 1]! & 0xf0) === 0xe0 || bytes[at + 1] === 0xfe)) {
    const end = at + 2 + bytes[at + 2]! * 256 + bytes[at + 3]!;
    const isColourSegment = bytes[at + 1] === 0xe0 || bytes[at + 1] === 0xee;
    if (!isColourSegment) parts.push(bytes.subarray(at, end));
    at = end;
  }
  parts.push(bytes.subarray(at));
  return Buffer.concat(parts);
}
