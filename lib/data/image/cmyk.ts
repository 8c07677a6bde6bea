import { grayOfBgr } from "./gray.js";
import type { Image } from "./pixels.js";

/** Tests whether a JPEG has the marker of Adobe's programs, which write less ink as a larger number. */
export function isAdobe(jpeg: Uint8Array): boolean {
  const head = Buffer.from(jpeg.buffer, jpeg.byteOffset, Math.min(jpeg.length, 2 ** 16));
  return head.includes(Buffer.from("\xff\xee\0\x0eAdobe", "latin1"));
}

/**
 * Four inks of a JPEG (255: all of it, as libvips turns Adobe's around; `isAdobe` turns them back) as OpenCV shows them: without a
 * colour profile, ink = k - (255 - ink) k / 256.
 */
export function fromCmyk(
  inks: Uint8Array,
  { width, height }: { readonly width: number; readonly height: number },
  channels: 1 | 3,
  adobe: boolean,
): Image {
  const area = width * height;
  const pixels = new Uint8Array(channels * area);
  const flip = adobe ? 255 : 0;
  for (let i = 0; i < area; i++) {
    const k = inks[4 * i + 3]! ^ flip;
    const mixed = (ink: number): number => k - (((255 - (inks[4 * i + ink]! ^ flip)) * k) >> 8);
    const [red, green, blue] = [mixed(0), mixed(1), mixed(2)];
    if (channels === 1) pixels[i] = grayOfBgr(blue, green, red);
    else {
      pixels[i] = blue;
      pixels[area + i] = green;
      pixels[2 * area + i] = red;
    }
  }
  return { shape: [channels, height, width], pixels };
}
