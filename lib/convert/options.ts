import type { StoredWeights } from "../caffe/stored.js";
import type { Tensor } from "../data/tensor.js";
import type { NetrunError } from "../error.js";
import type { Dim } from "../onnx/write/index.js";
import type { AccuracyComparison } from "./accuracy.js";
import type { Comparison } from "./compare.js";
import type { Difference } from "./difference.js";

/** Weights: paths of `.caffemodel` or `.h5` files, in order, or blobs by layer name. */
export type WeightsSource = string | StoredWeights | readonly (string | StoredWeights)[];

/** Options of a conversion. */
export interface ConvertOptions {
  /** ONNX opset, 13 to 21. Default 17. */
  readonly opset?: number;
  /** Batch size; open where absent, as far as the net allows it. */
  readonly batch?: number | undefined;
  /** Height and width of image inputs, in place of the prototxt's. */
  readonly height?: number | undefined;
  readonly width?: number | undefined;
  /** Leaves height and width open. Throws where a layer needs them to be fixed. */
  readonly dynamicSpatial?: boolean;
  /** Blobs to give, in place of the net's own outputs. */
  readonly outputs?: readonly string[];
  /** Weights and computation in half precision; inputs and outputs stay float32. */
  readonly fp16?: boolean;
  /** 8-bit weights and computation, as QuantizeLinear and DequantizeLinear in the graph; needs `calibrate`. */
  readonly int8?: boolean;
  /** The data set that ranges of blobs are taken from for `int8`. */
  readonly calibrate?: string | undefined;
  /** Batches of it. Default: as many as 256 rows are. */
  readonly calibrateBatches?: number | undefined;
  /** Layers that stay float in an int8 model. */
  readonly floatLayers?: readonly string[];
  /** Shapes of inputs by blob name, where the prototxt does not say them. */
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
  /** Lets fillers fill layers that no weights file has, or has in another shape. */
  readonly allowMissing?: boolean;
  /** True if to fold BatchNorm and Scale into the layers before them. Default true. */
  readonly fold?: boolean;
  /** Level and stages of the net state, which include and exclude rules may ask for. */
  readonly level?: number;
  readonly stages?: readonly string[];
  /** Preprocessing of images before the net, where its data layer does not say: y = (x - mean) * scale, channels in BGR order. */
  readonly scale?: number | undefined;
  readonly mean?: readonly number[] | undefined;
  /** Puts preprocessing into the graph: its input is then an image of values from 0 to 255. */
  readonly preprocess?: boolean;
  /** Puts weights into a file of this name beside the model; on its own from 2 GB on. */
  readonly externalData?: string;
  /** The same by a file: a mean image. */
  readonly meanFile?: string | undefined;
  /** Side of the centre crop of images that are read, where the net's data layer does not say. */
  readonly cropSize?: number | undefined;
  /**
   * Checks the written model: on so many batches of random inputs, on rows of a data set (its path), or on the given batches.
   * Default 1; false or 0 for none.
   */
  readonly verify?: boolean | number | string | readonly Readonly<Record<string, Tensor>>[];
  /** The most batches of a data set to verify on. Default 16, of 16 rows where the batch size is open. */
  readonly verifyBatches?: number | undefined;
  /** Compares with recorded blobs: an `.npz` or `.safetensors` file, or tensors by blob name. */
  readonly compare?: string | Readonly<Record<string, Tensor>> | undefined;
  /** Makes unknown prototxt fields errors. */
  readonly strict?: boolean;
  readonly onWarning?: (warning: NetrunError) => void;
  /** Folder where paths in the prototxt are looked up after the working directory. */
  readonly baseDir?: string;
}

/** Report of a conversion. */
export interface ConvertReport {
  readonly name: string;
  readonly opset: number;
  readonly inputs: Readonly<Record<string, readonly Dim[]>>;
  readonly outputs: Readonly<Record<string, readonly Dim[]>>;
  readonly nodes: number;
  readonly bytes: number;
  /** Reason why the batch size is fixed where it was to be open. */
  readonly fixedBatch: string | undefined;
  /** Layers without weights in the files, and layers that only the files have. */
  readonly missing: readonly string[];
  /** Blobs that the files have in other shapes than the net, as texts. */
  readonly misshapen: readonly string[];
  readonly extra: readonly string[];
  /** Layers that are now part of others, by those. */
  readonly folded: Readonly<Record<string, readonly string[]>>;
  /** Largest differences over all batches; undefined where nothing was verified. */
  readonly verification: readonly Difference[] | undefined;
  /** Shapes of smaller inputs that were verified on, where those of the file would take minutes; undefined where the file's were. */
  readonly verifiedAt?: Readonly<Record<string, readonly number[]>> | undefined;
  /** Of outputs that score classes: how often they are right, where the rows verified on say their classes. */
  readonly accuracy: readonly AccuracyComparison[];
  /** Of an int8 model: the layers with 8-bit weights, and those that were left float, with the reasons; undefined for other models. */
  readonly int8: Int8Report | undefined;
  /** Comparison with recorded blobs; undefined where none were given. */
  readonly comparison: Comparison | undefined;
}

/** Report on a net in 8 bits. */
export interface Int8Report {
  readonly layers: readonly string[];
  readonly left: Readonly<Record<string, string>>;
}

/** A converted net. */
export interface Converted {
  readonly model: Uint8Array;
  /** The external data file's content, where there is one: `report` and the model name it. */
  readonly externalData: { readonly name: string; readonly parts: readonly Uint8Array[] } | undefined;
  readonly report: ConvertReport;
}
