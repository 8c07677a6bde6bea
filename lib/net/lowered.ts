import type { LayerParameter } from "../caffe/messages.js";
import type { NetrunError } from "../error.js";
import type { Value } from "../graph/index.js";
import type { FileOutput, LayerType, PhaseName, SourceBlob } from "../layers/index.js";
import type { ParameterBlob } from "./parameters.js";

/** Context of lowering besides the layers themselves. */
export interface LowerOptions {
  readonly phase: PhaseName;
  /** Shapes of data tops by blob name; they go before what layers say of themselves. */
  readonly shapes?: ReadonlyMap<string, readonly number[]>;
  /**
   * Sizes that depend on data, by the layer that asks (Filter). One that is missing throws `DataDependentSize`; without this map
   * each is taken as the most that it can be.
   */
  readonly sizes?: ReadonlyMap<string, number>;
  /** Layer types beyond the built-in ones, by `typeKey`: plugins. */
  readonly types?: ReadonlyMap<string, LayerType> | undefined;
  /** The blobs in files that layers name (`sourcesOf`), by path. */
  readonly sources?: ReadonlyMap<string, SourceBlob> | undefined;
  /** The net's force_backward: parameters of lr_mult 0 have gradients too, and `propagate_down: false` stops none. */
  readonly forceBackward?: boolean | undefined;
  /** Caffe's gradient of Clip in place, which is not that of its formula. */
  readonly caffeQuirks?: boolean | undefined;
  /**
   * Lowers as far as shapes are known. Called for a layer that netrun does not have, with the error that says so; its tops have no
   * shapes, and what is computed from them neither, unless the error is on a field of a fork that only changes numbers (`kept`).
   * Without this the error is thrown.
   */
  readonly onUnsupported?: ((layer: LayerParameter, error: NetrunError, kept: boolean) => void) | undefined;
}

/** A net of one phase as one graph. */
export interface LoweredNet {
  readonly phase: PhaseName;
  /** Data tops and Input layers' tops, by blob name: input leaves to feed. */
  readonly inputs: ReadonlyMap<string, Value>;
  /** Every blob by name; of a blob that in-place layers change, its last value. */
  readonly blobs: ReadonlyMap<string, Value>;
  /** Blobs that no layer consumes, in Caffe's order (by name). */
  readonly outputs: readonly string[];
  readonly parameters: readonly ParameterBlob[];
  /** Those that have gradients: what is trained, or with force_backward also what has lr_mult 0. */
  readonly differentiated: readonly ParameterBlob[];
  /** New values of state parameters (BatchNorm's running blobs) after a forward, by parameter key. */
  readonly states: ReadonlyMap<string, Value>;
  /** State of layers between forwards: input leaves, and what the next forward has for them. */
  readonly carries: ReadonlyMap<Value, Value>;
  /** Tops that count in the objective, with their weights. */
  readonly losses: readonly Loss[];
  /** Input leaves to fill with uniform random numbers before each forward. */
  readonly randoms: readonly Value[];
  /** Outputs of each forward to files. */
  readonly files: readonly FileOutput[];
  /** Reason why its gradients cannot be had, where they cannot: trainable parameters under a bottom that has no gradient. */
  readonly untrainable: NetrunError | undefined;
  /** Blobs without a shape, of a net that is lowered as far as they are known. */
  readonly unknown: ReadonlySet<string>;
  /** Tops that are rows which a test gathers over its batches and scores as a whole. */
  readonly evaluated: ReadonlyMap<string, "detections">;
  /** Shapes that layers imply for blobs without one. */
  readonly implied: ReadonlyMap<string, readonly number[]>;
}

export interface Loss {
  readonly blob: string;
  readonly value: Value;
  readonly weight: number;
}
