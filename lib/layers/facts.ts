import type { LayerParameter } from "../caffe/messages.js";

/**
 * Where the values of a data layer come from: records that a source named in its parameters holds, one kind for each way to read
 * (`unread`: a source that netrun does not read), fillers, the program that runs the net (`program`), or whoever feeds the net's
 * inputs (`input`: data layers that are replaced become such).
 */
export type DataOrigin = "database" | "hdf5" | "images" | "windows" | "unread" | "fillers" | "program" | "input";

/** An image's shape: channels, height, width. */
export type ImageShape = readonly [channels: number, height: number, width: number];

/** Facts on a layer type that brings data in. */
export interface DataFacts {
  readonly origin: DataOrigin;
  /** Rows of a batch; undefined or 0 where the parameters do not say. */
  batchSize?(layer: LayerParameter): number | undefined;
  /** Shapes of one row of each top, as far as the parameters prescribe them. */
  rowShapes?(layer: LayerParameter): readonly (readonly number[] | undefined)[];
  /** The images that the first top is assumed to have before the data is read; undefined where nothing tells their size. */
  image?(layer: LayerParameter): ImageShape | undefined;
}

/** Facts on a layer type that others ask for beside how it is lowered. Each is absent where it does not hold. */
export interface LayerFacts {
  /** Brings data in. */
  readonly data?: DataFacts;
  /** Facts that depend on the layer, of a type that stands for many (Python); they go before the others. */
  specific?(layer: LayerParameter): LayerFacts;
}
