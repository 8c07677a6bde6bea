import type { Image } from "../../image/image.js";
import { resizeImage } from "../../image/resize.js";
import type { Window } from "./list.js";

/** Conversion of windows to squares of `cropSize` pixels. */
export interface WarpSpec {
  readonly cropSize: number;
  readonly contextPad: number;
  readonly square: boolean;
}

/** A warped window: its pixels lie in the crop from (left, top) on; what they do not cover is outside the image. */
export interface Warped {
  readonly image: Image;
  readonly left: number;
  readonly top: number;
}

/**
 * Cuts a window with its context out of an image and warps it so that, whole, it would fill the crop; where the context
 * leaves the image, that part of the crop stays empty, on the other side if the crop is `mirrored`. Arithmetic
 * in float32 and rounding half away from zero, as Caffe's. Source: window_data_layer.cpp.
 */
export function warp(image: Image, window: Window, spec: WarpSpec, mirrored: boolean): Warped {
  const [, height, width] = image.shape;
  const { cropSize, contextPad, square } = spec;
  let { x1, y1, x2, y2 } = window;
  let [warpedWidth, warpedHeight, left, top] = [cropSize, cropSize, 0, 0];
  if (contextPad > 0 || square) {
    ({ x1, y1, x2, y2 } = withContext(window, spec));
    const [wholeWidth, wholeHeight] = [x2 - x1 + 1, y2 - y1 + 1];
    const before = { x: Math.max(0, -x1), y: Math.max(0, -y1) };
    const behind = { x: Math.max(0, x2 - width + 1), y: Math.max(0, y2 - height + 1) };
    x1 += before.x;
    y1 += before.y;
    x2 -= behind.x;
    y2 -= behind.y;
    const scaleX = Math.fround(cropSize / wholeWidth);
    const scaleY = Math.fround(cropSize / wholeHeight);
    warpedWidth = round(Math.fround((x2 - x1 + 1) * scaleX));
    warpedHeight = round(Math.fround((y2 - y1 + 1) * scaleY));
    left = round(Math.fround((mirrored ? behind.x : before.x) * scaleX));
    top = round(Math.fround(before.y * scaleY));
    // Rounding may push the image over the crop's edge.
    warpedWidth = Math.min(warpedWidth, cropSize - left);
    warpedHeight = Math.min(warpedHeight, cropSize - top);
  }
  return { image: resizeImage(cut(image, x1, y1, x2, y2), warpedHeight, warpedWidth), left, top };
}

function withContext({ x1, y1, x2, y2 }: Window, { cropSize, contextPad, square }: WarpSpec) {
  const scale = Math.fround(cropSize / (cropSize - 2 * contextPad));
  let halfHeight = (y2 - y1 + 1) / 2;
  let halfWidth = (x2 - x1 + 1) / 2;
  const [centreX, centreY] = [x1 + halfWidth, y1 + halfHeight];
  if (square) halfHeight = halfWidth = Math.max(halfHeight, halfWidth);
  const [dx, dy] = [Math.fround(halfWidth * scale), Math.fround(halfHeight * scale)];
  const at = (x: number): number => round(Math.fround(x));
  return { x1: at(centreX - dx), x2: at(centreX + dx), y1: at(centreY - dy), y2: at(centreY + dy) };
}

function cut(image: Image, x1: number, y1: number, x2: number, y2: number): Image {
  const [channels, height, width] = image.shape;
  const [h, w] = [y2 - y1 + 1, x2 - x1 + 1];
  const pixels = new Uint8Array(channels * h * w);
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < h; y++) {
      const from = (c * height + y1 + y) * width + x1;
      pixels.set(image.pixels.subarray(from, from + w), (c * h + y) * w);
    }
  return { shape: [channels, h, w], pixels };
}

/** Half away from zero, as C's round. */
function round(x: number): number {
  return x < 0 ? -Math.round(-x) : Math.round(x);
}
