import type { LayerParameter } from "../caffe/messages.js";
import type { CaffeMemory } from "./caffe-memory.js";
import type { Implied, KnownShape } from "./implied.js";

/**
 * Origin of a data layer's values: records that a source named in its parameters holds, one kind for each way to read
 * (`plugin`: rows that a plugin gives; `unread`: a source that netrun does not read), `regions`: images and boxes of a data set that is given, fillers, the program that runs the net (`program`), or whoever feeds the net's
 * inputs (`input`: data layers that are replaced become such).
 */
export type DataOrigin =
  | "annotated"
  | "database"
  | "hdf5"
  | "images"
  | "maps"
  | "plugin"
  | "windows"
  | "unread"
  | "fillers"
  | "program"
  | "regions"
  | "input";

/** An image's shape: channels, height, width. */
export type ImageShape = readonly [channels: number, height: number, width: number];

/** Labels that are images, as numbers. */
export interface LabelMaps {
  /** Their sides are this part of the images'. */
  readonly divisor: number;
  /**
   * Grey values as classes, resized without mixing them; or as edges, resized linearly and 1 from 128 on, 0 below (HED divides bytes by 255, which
   * OpenCV rounds); or, of images with a palette, its entries' numbers as classes, as PASCAL VOC has them.
   */
  readonly values: "classes" | "edges" | "indices";
  /** The label of places below and right of an image that is smaller than its crop; without it such an image is an error. */
  readonly padding?: number | undefined;
}

/** Facts on a layer type that brings data in. */
export interface DataFacts {
  readonly origin: DataOrigin;
  /** Rows of a batch; undefined or 0 where the parameters do not say. */
  batchSize?(layer: LayerParameter): number | undefined;
  /** Shapes of one row of each top, as far as the parameters prescribe them. */
  rowShapes?(layer: LayerParameter): readonly (readonly number[] | undefined)[];
  /** The images that the first top is assumed to have before the data is read; undefined where nothing tells their size. */
  image?(layer: LayerParameter): ImageShape | undefined;
  /** The shape that tops after the first are assumed to have, by the shape of the first; by default one number for each row. */
  otherTops?(first: readonly number[], layer: LayerParameter): readonly number[];
  /** Labels that are images, where the layer reads them. */
  maps?(layer: LayerParameter): LabelMaps;
  /** A note for errors: what the layer wants that no data set with boxes has. */
  readonly unread?: string | undefined;
}

/** A bottom that holds class numbers (or indices into a table): whole parts from 0 to below `classes`. */
export interface LabelFacts {
  readonly bottom: number;
  /** Of rows of several numbers, the one that is a class. */
  readonly column?: number | undefined;
  readonly classes: number;
  /** A number that is allowed all the same. */
  readonly ignored?: number | undefined;
}

/**
 * Replacement of a layer in a net that only infers: nothing (it scores, writes or swallows blobs), its prediction (of a loss: its
 * first bottom, or a layer on that, which takes over the parameters in `param`), or another layer.
 */
export type InferenceRole =
  | { readonly as: "nothing" }
  | { readonly as: "prediction"; readonly layer?: PredictionLayer }
  | { readonly as: "layer"; of(layer: LayerParameter): LayerParameter };

/** The layer that makes a prediction of a loss's first bottom. */
export interface PredictionLayer {
  readonly type: string;
  readonly param?: "softmax_param";
}

/** A window that slides over height and width. */
export interface SlidingWindow {
  /** Extent in entries of the bottom, dilation included. */
  readonly kernel: readonly [height: number, width: number];
  readonly stride: readonly [height: number, width: number];
  /** Entries outside of the bottom that the first window begins with. */
  readonly pad?: readonly [height: number, width: number] | undefined;
}

/** Role of a blob in y = x * a + b for each channel. `weight` is what BatchNorm's sums are divided by. */
export type AffineRole = "scale" | "shift" | "mean" | "variance" | "weight";

/** Facts on a layer that can compute y = x * a + b for each channel in inference, with a and b from its blobs. */
export interface AffineFacts {
  /** By the index of the blob. */
  readonly roles: readonly AffineRole[];
  /** Added to the variance. */
  epsilon?(layer: LayerParameter): number;
}

/** Kinds of layers that drawings tell apart beside data and losses. */
export type Family = "convolution" | "weights" | "pooling";

/** Facts on a layer type that others ask for beside how it is lowered. Each is absent where it does not hold. */
export interface LayerFacts {
  /** Brings data in. */
  readonly data?: DataFacts;
  /** A loss: the first top weighs 1 in the objective by default, and may be left out of the prototxt. */
  readonly loss?: boolean;
  /** The top is rows that a test gathers over its batches: detections that hit or miss boxes, scored as a whole. */
  readonly evaluates?: "detections";
  /** Rows of item -1 among those of a bottom are none, so that there may be more of them. */
  readonly skipsEmptyRows?: boolean;
  /** Tells how good a prediction (its first bottom) is, by the other bottoms. No loss. */
  readonly score?: boolean;
  /** Its bottoms are no results of a net, although no other layer takes them. */
  readonly silences?: boolean;
  /** The bottom that holds labels, by the shapes of the bottoms. */
  labels?(layer: LayerParameter, shapeOf: (bottom: number) => readonly number[]): LabelFacts | undefined;
  /** Replacement in a net that only infers; by default itself. */
  readonly inference?: InferenceRole;
  /** Shapes that it implies for bottoms whose shapes nobody says: labels like predictions, one indicator for each step ... */
  implies?(layer: LayerParameter, shapeOf: KnownShape): Implied;
  /** Shapes of the tops of a type that netrun cannot run, as far as they follow from those of the bottoms. */
  topShapes?(layer: LayerParameter, shapeOf: KnownShape): readonly (readonly number[] | undefined)[];
  /** Shapes that its tops mostly have where nothing says others: to look at, not to compute with. */
  likelyShapes?(layer: LayerParameter, shapeOf: KnownShape): readonly (readonly number[] | undefined)[];
  /** Part of the training alone where no layer of an inference net takes its tops, and one of the training did. */
  readonly makesTargets?: boolean;
  /** Folding may make it a part of other layers, which can be undone. */
  readonly affine?: AffineFacts;
  /** Computes with coordinates of images, which half precision does not tell apart. */
  readonly exact?: boolean;
  /** Tops from this index on are places of maxima: exact too, and different ones where rounding makes other entries largest. */
  readonly placesFrom?: number;
  /** The top is rows of detections, ordered by scores. */
  readonly detections?: boolean;
  /** Receptive field of an entry of the tops in height and width: the same place of all bottoms, or a window of the first; undefined: all. */
  readonly sees?: "place" | ((layer: LayerParameter) => SlidingWindow | undefined);
  /** The window that each entry of the first bottom is spread over, where the bottom's places become more. */
  spreads?(layer: LayerParameter): SlidingWindow | undefined;
  /** Of a part of the first bottom that has the size of the second: its offsets of height and width, as far as the parameters give them. */
  crops?(layer: LayerParameter): { readonly offset: readonly [height: number, width: number] | undefined };
  readonly family?: Family;
  /** Memory use of Caffe's layer. */
  caffeMemory?(layer: LayerParameter, phase: "TRAIN" | "TEST"): CaffeMemory;
  /** Facts that depend on the layer, of a type that stands for many (Python); they go before the others. */
  specific?(layer: LayerParameter): LayerFacts;
}
