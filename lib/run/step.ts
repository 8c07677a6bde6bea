import type { ByteRows } from "../data/feed/byte-rows.js";
import type { Feed } from "../data/feed/feed.js";
import type { Tensors } from "../data/tensor.js";
import type { LayerStatistics } from "./layer-statistics.js";
import { nextBatch, recycle } from "./open-net.js";
import type { Statistics } from "./statistics.js";

/** State that a step changes, in place. */
export interface TrainState {
  /** All parameters, by the layout of the train net. */
  readonly weights: Float32Array;
  /** Vectors of the update rule, as `newHistory` makes them. */
  readonly history: readonly Float32Array[];
}

/** Some iterations: one for each learning rate. */
export interface Iterations {
  /** Updates done before: random layers and the corrections of update rules depend on it. */
  readonly iteration: number;
  /** Learning rate of each iteration, before lr_mult. */
  readonly rates: readonly number[];
  /** The values of the train net's outputs are reported for iterations divisible by this; 0 for none. */
  readonly display: number;
  /** Layer statistics are reported for iterations divisible by this; 0 or undefined for none. */
  readonly statistics?: number | undefined;
  /** True if nobody looks at the gradients of the last iteration, so that a form may leave them where they are. Default false. */
  readonly dropsGradients?: boolean | undefined;
}

/** The batches of a training, in order: iter_size of them an iteration. */
export interface Batches {
  next(): Promise<Tensors>;
  /** Hands a batch back once nothing but `results` refers to its arrays. */
  recycle(batch: Tensors, results: Readonly<Record<string, Float32Array>>): void;
  /** The tops that may come as rows of bytes. */
  readonly byteRows?: ReadonlyMap<string, ByteRows> | undefined;
}

/** Times of a report, in milliseconds. */
export interface Times {
  readonly dataWaitMs: number;
  readonly gradientMs: number;
  readonly updateMs: number;
}

/** The outcome of some iterations. */
export interface StepReport {
  /** The objective of each iteration, before its update. */
  readonly losses: readonly number[];
  /** Outputs of the train net by iteration, where `display` asked for them. */
  readonly outputs: ReadonlyMap<number, Readonly<Record<string, Float32Array>>>;
  readonly times: Times;
  /** Rows of data consumed. */
  readonly rows: number;
  /** Reason why training stopped before the last iteration that was asked for: what is not a finite number any more. */
  readonly notFinite?: string | undefined;
  /** Values of debug_info, by iteration, where `display` names it. */
  readonly debug?: ReadonlyMap<number, Statistics> | undefined;
  /** Layer statistics by iteration, where they were asked for. */
  readonly layers?: ReadonlyMap<number, LayerStatistics> | undefined;
}

/**
 * Training iterations in one form or another: gradients of iter_size batches, the check that all is finite, clipping, the update.
 * A form may do one iteration a run of onnxruntime, or all of them in one (an ONNX Loop whose state is weights and history).
 */
export interface Step extends AsyncDisposable {
  /** True if batches may hold rows of bytes. Default false. */
  readonly takesBytes?: boolean;
  /** The update rule's history at the start of training: zeros, of the train net's trainable parameters. */
  newHistory(): readonly Float32Array[];
  /**
   * Trains for an iteration a rate. `progress` is called after every iteration, where the form tells them apart, else at the end.
   * Stops before the update of an iteration that has a number that is not finite.
   */
  run(work: Iterations, batches: Batches, state: TrainState, progress: () => void): Promise<StepReport>;
}

/** The next batches of some feeds. */
export const batchesOf = (feeds: readonly Feed[], byteRows?: Batches["byteRows"]): Batches => ({
  byteRows,
  next: () => nextBatch(feeds),
  recycle: (batch, results) => recycle(feeds, batch, results),
});

/** One batch, again and again; it stays the caller's. */
export const always = (batch: Tensors): Batches => ({ next: async () => batch, recycle: () => {} });
