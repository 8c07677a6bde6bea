import type { FeedSpec } from "../data/feed/feed.js";
import type { ExtraFields, PhaseName, SourceBlob } from "../layers/index.js";
import type { SessionOptions } from "../onnx/session.js";
import type { RuleSettings } from "../optim/rules.js";
import type { Regularization } from "../optim/update.js";
import type { SolverType } from "../optim/whole-batch.js";

/** A test net as an engine gets it. */
export interface TestPlan extends NetPlan {
  /** Rows of its data where a test is of all of them and its last batch is cut to what is left (see `rowsOfWholeTest`). */
  readonly wholeRows?: number | undefined;
}

/** A net of one phase as an engine gets it: structured-cloneable, and lowered where it runs. */
export interface NetPlan {
  /** NetParameter in binary: upgraded, and filtered for its phase. */
  readonly net: Uint8Array;
  readonly phase: PhaseName;
  /** The streams of its data layers. */
  readonly feeds: readonly FeedSpec[];
  /** Shapes of the net's inputs as it was compiled; a feed that has another share of the data says its own. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** The blobs in files that layers name, by path. */
  readonly sources: ReadonlyMap<string, SourceBlob>;
  /** Fields that the binary form cannot hold: those that Caffe's schema does not have, which plugins may read. */
  readonly extras: ExtraFields;
  /** True if gradients are Caffe's where its reuse of memory makes them other than the formula's. */
  readonly caffeQuirks: boolean;
}

/** Update of weights, as plain data. */
export interface SolverPlan {
  readonly rule: SolverType;
  readonly settings: RuleSettings;
  readonly regularization: Regularization;
  readonly weightDecay: number;
  /** Greatest L2 norm of all gradients together; negative for none. */
  readonly clipGradients: number;
  /** Batches whose gradients are summed before each update. */
  readonly iterSize: number;
  /** Iterations on the same batches before the next ones are read; 1 where undefined. */
  readonly batchIterations?: number | undefined;
  readonly seed: number;
  /** True if displayed iterations tell the mean absolute values of their blobs. */
  readonly debugInfo: boolean;
}

/** All that a replica needs to train and test. Structured-cloneable: it goes to other threads and processes. */
export interface TrainingPlan {
  readonly train: NetPlan;
  readonly tests: readonly TestPlan[];
  readonly solver: SolverPlan;
  readonly session: SessionOptions;
  /** True if the threads of a step are chosen by trials, where the session does not say how many. */
  readonly calibrate?: boolean | undefined;
  /** Files of layer plugins, which every thread loads for itself. */
  readonly plugins: readonly string[];
}

/** A net that runs forward over its data. Structured-cloneable, as a `TrainingPlan` is. */
export interface ForwardPlan {
  readonly net: NetPlan;
  /** Blobs whose values to give. */
  readonly blobs: readonly string[];
  /** Key of random layers. */
  readonly seed: number;
  readonly session: SessionOptions;
  readonly plugins: readonly string[];
}
