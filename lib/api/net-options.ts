import type { LoadOptions } from "../caffe/load.js";
import type { LayerParameter } from "../caffe/messages.js";
import type { DataChoice } from "../data/feed/net-feeds.js";
import type { PhaseName } from "../layers/index.js";
import type { RunOptions } from "../onnx/choose-session.js";
import type { LayerRange } from "../run/part.js";
import type { Blob } from "../run/weights.js";

export interface NetOptions
  extends RunOptions,
    DataChoice,
    Pick<LoadOptions, "strict" | "onWarning" | "name" | "baseDir"> {
  /** Phase of the net: its layers, and how Dropout and BatchNorm behave. Default "TEST". */
  readonly phase?: PhaseName;
  /** Level and stages of the net state, which include and exclude rules may ask for. */
  readonly level?: number;
  readonly stages?: readonly string[];
  /** Weights files to copy in, in order: `.caffemodel` (any version) or `.h5`. */
  readonly weights?: string | readonly string[] | undefined;
  /** Shapes of data blobs by name, in place of what the prototxt says; data layers that they cover are not opened. */
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
  /** Seed of fillers, random layers and data. Default 1. */
  readonly seed?: number;
  /** Caffe's gradient of Clip in place, which passes everywhere, instead of the formula's. Default false. */
  readonly caffeQuirks?: boolean | undefined;
}

/** Blobs that a forward is to give. */
export interface ForwardOptions extends LayerRange {
  /** Names of the blobs to give; all without it. A net of phase TEST computes a few of them, such as its outputs, faster. */
  readonly blobs?: readonly string[] | undefined;
}

/** A layer of a net: its message, with its parameter blobs. */
export interface NetLayer {
  readonly type: string;
  readonly bottoms: readonly string[];
  readonly tops: readonly string[];
  readonly blobs: readonly Blob[];
  /** Everything that the prototxt says of it. */
  readonly parameter: LayerParameter;
}

/** A layer with the parameter blobs that are its own. */
export const layerOf = (layer: LayerParameter, params: ReadonlyMap<string, readonly Blob[]>): NetLayer => ({
  type: layer.type,
  bottoms: layer.bottom,
  tops: layer.top,
  blobs: params.get(layer.name) ?? [],
  parameter: layer,
});
