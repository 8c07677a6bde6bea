import type { FeedSpec } from "../data/feed.js";
import type { Tensor } from "../data/tensor.js";
import type { Phase, SourceBlob } from "../layers/index.js";
import type { SessionOptions } from "../onnx/session.js";
import type { RuleSettings, updateRules } from "../solve/rules.js";

/** A net of one phase as an engine gets it: structured-cloneable, and lowered where it runs. */
export interface NetPlan {
  /** NetParameter in binary: upgraded, and filtered for its phase. */
  readonly net: Uint8Array;
  readonly phase: Phase;
  /** The streams of its data layers. */
  readonly feeds: readonly FeedSpec[];
  /** Shapes of data blobs by name, where no feed tells them. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** The blobs in files that layers name, by path. */
  readonly sources: ReadonlyMap<string, SourceBlob>;
}

/** How weights are updated, as plain data. */
export interface SolverPlan {
  readonly rule: keyof typeof updateRules;
  readonly settings: RuleSettings;
  readonly regularization: "L1" | "L2";
  readonly weightDecay: number;
  /** Greatest L2 norm of all gradients together; negative for none. */
  readonly clipGradients: number;
  /** Batches whose gradients are summed before each update. */
  readonly iterSize: number;
  readonly seed: number;
}

/** All that a replica needs to train and test. Structured-cloneable: it goes to other threads and processes. */
export interface Plan {
  readonly train: NetPlan;
  readonly tests: readonly NetPlan[];
  readonly solver: SolverPlan;
  readonly session: SessionOptions;
}

/** Where training stands. Everything that the next iteration depends on is in it or in the plan. */
export interface Checkpoint {
  /** Updates done. */
  readonly iteration: number;
  /** All parameters, by the layout of the train net. */
  readonly weights: Float32Array;
  /** One vector a slot of the update rule. */
  readonly history: readonly Float32Array[];
  /** Records consumed of each train feed. */
  readonly positions: readonly number[];
}

/** What to do in a call of `train`: one iteration for each learning rate. */
export interface Work {
  /** Learning rate of each iteration, before lr_mult. */
  readonly rates: readonly number[];
  /** The values of the train net's outputs are reported for iterations divisible by this; 0 for none. */
  readonly display: number;
  /** Fed in every iteration in place of the feeds. */
  readonly batch?: Readonly<Record<string, Tensor>> | undefined;
}

/** What one replica did. */
export interface Report {
  /** The objective of each iteration, before its update. */
  readonly losses: readonly number[];
  /** Outputs of the train net by iteration, where `display` asked for them. */
  readonly outputs: ReadonlyMap<number, Readonly<Record<string, Float32Array>>>;
  readonly times: Times;
  readonly checkpoint: Checkpoint;
  /** Rows of data consumed. */
  readonly rows: number;
}

/** Where the time of a report went, in milliseconds. */
export interface Times {
  readonly dataWaitMs: number;
  readonly gradientMs: number;
  readonly updateMs: number;
}

/** What a test pass found: each output blob's mean over the batches, element by element. */
export interface Scores {
  readonly outputs: Readonly<Record<string, Float32Array>>;
  /** Mean objective of the test net. */
  readonly loss: number;
}

/** Engines differ only in where their replicas live. */
export interface Engine extends AsyncDisposable {
  readonly replicas: number;
  /** Rejects if a net does not compile or its data does not open. */
  load(plan: Plan): Promise<void>;
  /** Trains from a checkpoint, whose arrays the engine takes over; a report for each replica, with its new checkpoint. */
  train(from: Checkpoint, work: Work): Promise<readonly Report[]>;
  /** Runs a test net (by its index in the plan) over the next batches of its data. */
  test(net: number, weights: Float32Array, batches: number): Promise<Scores>;
}
