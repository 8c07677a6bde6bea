/** The range that a number is drawn from, evenly. */
export type Range = readonly [least: number, greatest: number];

/** Bounds of one measure, each absent where nothing is asked. */
export interface Bounds {
  readonly least?: number | undefined;
  readonly greatest?: number | undefined;
}

/** Parts of images that are drawn until they meet constraints. */
export interface SamplerSpec {
  /** The square root of the part's area. */
  readonly scale: Range;
  /** Width by height. */
  readonly aspect: Range;
  /** Of one box at least: intersection over union, the part of the sample that it covers, and the part of it in the sample. */
  readonly overlap: Bounds;
  readonly sampleCoverage: Bounds;
  readonly objectCoverage: Bounds;
  /** Parts to find; as many as the trials find where absent. */
  readonly most?: number | undefined;
  readonly trials: number;
}

/** Colours that change at random: each with a probability, by an amount of a range. */
export interface DistortSpec {
  readonly brightness: Chance;
  readonly contrast: Chance;
  readonly saturation: Chance;
  readonly hue: Chance;
  /** The probability that channels change places. */
  readonly order: number;
}

/** A change with a probability and the range of its amount. */
export interface Chance {
  readonly probability: number;
  readonly range: Range;
}

/** The ways to interpolate that OpenCV has. */
export type Interpolation = "linear" | "area" | "nearest" | "cubic" | "lanczos4";

/** Method of resizing images. */
export interface ResizeSpec {
  /** Of being the one that a batch gets, among several. */
  readonly probability: number;
  readonly height: number;
  readonly width: number;
  /** Other aspect ratios change, or are kept in the given size, the rest filled, or around it, so that sizes differ. */
  readonly fit: "warp" | "inside" | "around";
  /** Size that boxes are parts of where they are not parts of the image, of images around a size. */
  readonly boxScale?: { readonly height: number; readonly width: number } | undefined;
  /** Of what the rest is filled with, a value for all channels or one each (or the edge, or the mirror image). */
  readonly fill: "constant" | "mirror" | "edge";
  readonly values: readonly number[];
  /** One is drawn for each image. */
  readonly interpolations: readonly Interpolation[];
}

/** Noise of images, all of which each image gets. */
export interface NoiseSpec {
  readonly decolorize: boolean;
  readonly blur: boolean;
  /** Histograms are equalised, as a whole or by parts. */
  readonly equalize: boolean;
  readonly equalizeParts: boolean;
  /** Of a JPEG that images go through. */
  readonly quality?: number | undefined;
  readonly erode: boolean;
  readonly posterize: boolean;
  readonly invert: boolean;
  /** Pixels that get another value: bytes for all channels or one each. */
  readonly salt?: { readonly fraction: number; readonly values: readonly number[] } | undefined;
  readonly hsv: boolean;
}

/** Images that shrink in a larger one of the mean's colour. */
export interface ExpandSpec {
  readonly probability: number;
  readonly greatest: number;
}

/** Rule for boxes after a crop, besides meeting it: those whose centre is inside, or that are covered by more than a part. */
export type EmitSpec = { readonly by: "centre" } | { readonly by: "coverage"; readonly above: number };

/** Rows of centres, as YOLO's losses take them. */
export interface CentredSpec {
  /** The part of a side that a part of the image may lack. */
  readonly jitter: number;
}

/** Feed of images with boxes: SSD's AnnotatedData layer, as plain data. */
export interface AnnotationSpec {
  readonly samplers: readonly SamplerSpec[];
  readonly distort?: DistortSpec | undefined;
  readonly expand?: ExpandSpec | undefined;
  /** Each batch gets one of these; without any, images keep their size. */
  readonly resizes: readonly ResizeSpec[];
  readonly noise?: NoiseSpec | undefined;
  readonly emit?: EmitSpec | undefined;
  /** In place of rows of corners and of samplers. */
  readonly centred?: CentredSpec | undefined;
}

/** Feed of Faster R-CNN: images and boxes. */
export interface RegionsSpec {
  /** The shorter side of images in pixels; of several, one is drawn for each image. */
  readonly scales: readonly number[];
  /** The longer side at most. */
  readonly maxSize: number;
  /** Subtracted from blue, green and red. */
  readonly means: readonly number[];
  /** True if images are mirrored at random. */
  readonly flipped: boolean;
}
