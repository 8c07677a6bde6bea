import type { Preprocessing } from "./metadata.js";

/** The pixels of an image file at a size, RGBA row by row; the image is stretched to it. */
export async function pixelsOf(file: Blob, { width, height }: Preprocessing): Promise<ImageData> {
  // Values as they are in the file: a net was trained on those.
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true })!;
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  return context.getImageData(0, 0, width, height);
}

/** Planes of (value - mean) * scale, blue first, or of OpenCV's grey. */
export function planesOf({ data }: ImageData, preprocessing: Preprocessing): Float32Array<ArrayBuffer> {
  const { channels, mean, scale, width, height, in_graph } = preprocessing;
  if (channels === undefined) throw new Error("the input has neither 1 nor 3 channels: it is no image");
  const area = width * height;
  const count = channels === "BGR" ? 3 : 1;
  const planes = new Float32Array(count * area);
  for (let c = 0; c < count; c++) {
    const shift = in_graph ? 0 : (mean?.[c] ?? 0);
    const factor = in_graph ? 1 : scale;
    for (let i = 0; i < area; i++) {
      const value = count === 3 ? data[4 * i + 2 - c]! : grey(data, 4 * i);
      planes[c * area + i] = Math.fround(value - shift) * factor;
    }
  }
  return planes;
}

/** 0.299 R + 0.587 G + 0.114 B in OpenCV's fixed point. */
const grey = (rgba: Uint8ClampedArray, at: number) =>
  (rgba[at]! * 4899 + rgba[at + 1]! * 9617 + rgba[at + 2]! * 1868 + 8192) >> 14;
