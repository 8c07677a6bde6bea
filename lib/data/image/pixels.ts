/** A decoded image: `pixels` [channels, height, width], channels in the order of OpenCV (gray; blue, green, red; with alpha last). */
export interface Image {
  readonly shape: readonly [channels: number, height: number, width: number];
  readonly pixels: Uint8Array;
}

/** Number of channels come out: as the file has them, always three, or always one. */
export type ColourMode = "unchanged" | "color" | "gray";

/** Decoding of encoded images: their channels and, unless they keep their own, their size. */
export interface ImageDecoding {
  readonly colour: ColourMode;
  readonly size?: { readonly height: number; readonly width: number } | undefined;
}
