import type { Image } from "./pixels.js";

/** A frame to draw: corners in pixels, and a number that chooses its colour. */
export interface BoxFrame {
  readonly box: readonly [left: number, top: number, right: number, bottom: number];
  readonly colour: number;
}

/** Colours (blue, green, red) that are told apart on photographs. */
const COLOURS = [
  [60, 60, 255],
  [60, 220, 60],
  [255, 110, 30],
  [30, 220, 255],
  [255, 60, 220],
  [220, 220, 30],
] as const;

/** An image [3, h, w] with frames drawn on it, of a thickness that suits its size. Parts outside are not drawn. */
export function withFrames({ shape, pixels }: Image, frames: readonly BoxFrame[]): Image {
  const [channels, height, width] = shape;
  const out = pixels.slice();
  const thickness = Math.max(1, Math.round(Math.max(width, height) / 300));
  for (const { box, colour } of frames) {
    const [left, top, right, bottom] = box.map(Math.round) as [number, number, number, number];
    const bgr = COLOURS[((colour % COLOURS.length) + COLOURS.length) % COLOURS.length]!;
    const paint = (x0: number, y0: number, x1: number, y1: number): void => {
      for (let c = 0; c < channels; c++)
        for (let y = Math.max(0, y0); y < Math.min(height, y1); y++) {
          const row = (c * height + y) * width;
          if (x1 > 0 && x0 < width) out.fill(bgr[c]!, row + Math.max(0, x0), row + Math.min(width, x1));
        }
    };
    paint(left, top, right, top + thickness);
    paint(left, bottom - thickness, right, bottom);
    paint(left, top, left + thickness, bottom);
    paint(right - thickness, top, right, bottom);
  }
  return { shape, pixels: out };
}
