/** Gray as OpenCV's own decoders have it, in 14 bits: 0.114 blue + 0.587 green + 0.299 red, rounded. */
export const grayOfBgr = (blue: number, green: number, red: number): number =>
  (1868 * blue + 9617 * green + 4899 * red + 8192) >> 14;
