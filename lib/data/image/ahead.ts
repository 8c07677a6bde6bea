import type { Image } from "./image.js";

/** Images that are decoded ahead: enough for libvips' threads, few enough to hold whatever their size. */
const IMAGES_AHEAD = 8;

/** A function that gives the images of `rows` rows one after another; those that follow are decoded meanwhile. */
export function imagesAhead(
  rows: number,
  decode: (row: number) => Image | Promise<Image>,
): () => Image | Promise<Image> {
  const images: (Image | Promise<Image>)[] = [];
  let next = 0;
  return () => {
    for (; next < rows && images.length < IMAGES_AHEAD; next++) images.push(started(decode, next));
    return images.shift()!;
  };
}

function started(decode: (row: number) => Image | Promise<Image>, row: number): Image | Promise<Image> {
  try {
    const image = decode(row);
    // Only the first failure is reported, when its turn comes; the others must not go unhandled.
    if (image instanceof Promise) image.catch(() => {});
    return image;
  } catch (error) {
    const failed = Promise.reject<Image>(error);
    failed.catch(() => {});
    return failed;
  }
}
