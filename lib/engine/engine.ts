import type { Tensor } from "../data/tensor.js";
import { NetrunError } from "../error.js";
import type { ForwardPlan, TrainingPlan } from "../run/plan.js";
import type { Iterations, StepReport } from "../run/step.js";
import type { ThreadChoice } from "../run/thread-trials.js";

/** The state of one replica besides the weights that all start a round from. */
export interface ReplicaState {
  /** One vector a slot of the update rule, [trainable parameters]. */
  readonly history: readonly Float32Array[];
  /** Records consumed of each train feed; a feed without one here stays where it is. */
  readonly positions: readonly number[];
  /** Recurrent state of layers after the last forward, by leaf; unchanged where absent. */
  readonly carries?: Readonly<Record<string, Float32Array>> | undefined;
  /** Parameters of its own, where averaging lets replicas differ. */
  readonly weights?: Float32Array | undefined;
}

/** The states of all replicas, by index. */
export type ReplicaStates = readonly ReplicaState[];

/** One round of training: an iteration for each learning rate. */
export interface Work extends Iterations {
  /** Fed in every iteration in place of the feeds. */
  readonly batch?: Readonly<Record<string, Tensor>> | undefined;
}

/** Results of some iterations: of one replica, or means over all. */
export interface Report extends StepReport {
  /** The threads that steps take, with the first report after trials have found them or found what they were before. */
  readonly threads?: ThreadChoice | undefined;
  /** Records that the feeds have skipped since they were opened, because they could not be used. */
  readonly skipped?: number | undefined;
}

/** A round that is done: losses and outputs are means over the replicas, rows their sum. */
export interface Round extends Report {
  /** Updates done by each replica since training began, this round's included. */
  readonly iteration: number;
  /** Times of a round; undefined for one replica that trains in place. */
  readonly roundTimes?: RoundTimes | undefined;
  /** Parts of the replicas, by index; undefined for one replica that trains in place. */
  readonly shares?: readonly ReplicaShare[] | undefined;
  /** Spread of the replicas' parameters before they were averaged, in rounds with statistics (see `spreadOf`). */
  readonly spread?: number | undefined;
  /** Replicas that were lost during the round, and what was done about each. */
  readonly lost: readonly LostReplica[];
}

/** Times of a round of several replicas, in milliseconds; `totalMs` is the sum of the four before it. */
export interface RoundTimes {
  /** Copying the weights out to the replicas and handing them over. */
  readonly sendMs: number;
  /** Mean over the replicas of the time that their iterations took. */
  readonly computeMs: number;
  /** The rest until the slowest replica was done: what the mean replica waited, and the messages. */
  readonly waitMs: number;
  readonly averageMs: number;
  readonly totalMs: number;
  /** Time of the slowest replica's iterations: `totalMs` without it is what averaging costs. */
  readonly slowestMs: number;
}

/** Part of one replica in a round. */
export interface ReplicaShare {
  readonly replica: number;
  /** Rows of data that it took. */
  readonly rows: number;
  /** Mean loss over its iterations. */
  readonly loss: number;
  /** Its iterations. */
  readonly computeMs: number;
  /** The rest until the slowest replica was done. */
  readonly waitMs: number;
}

/** A replica that was lost in a round or a test. */
export interface LostReplica {
  /** Its index, which is that of its partition of the data. */
  readonly replica: number;
  readonly reason: string;
  /** True if its part of the round was done again, or excluded from the mean. */
  readonly remedy: "redone" | "dropped";
}

/** Scores of a test pass: each output blob's mean over the batches, element by element. */
export interface Scores {
  readonly outputs: Readonly<Record<string, Float32Array>>;
  /** Rows of all batches, one after another, of the outputs that are scored as a whole. */
  readonly gathered?: Readonly<Record<string, Float32Array>> | undefined;
  /** Mean objective of the test net. */
  readonly loss: number;
  /** Batches that the scores are means of, a last one that is cut as the share that it is; as many as were asked for where undefined. */
  readonly weight?: number | undefined;
  /** Records consumed of each of its feeds since the start of training. */
  readonly positions: readonly number[];
  /** Replicas that were lost during the pass: their parts are done again. Absent where none was. */
  readonly lost?: readonly LostReplica[] | undefined;
}

/** Data of one train feed on a replica. */
export interface Partition {
  readonly replica: number;
  /** Index of the feed. */
  readonly feed: number;
  readonly rows: number;
  readonly batchSize: number;
}

/**
 * Trains the replicas of a net. A replica owns its history, its position in the data and its random streams: a round ships weights
 * to it and back, and its state only where it is asked for. Engines differ only in where their replicas live.
 */
export interface Engine extends AsyncDisposable {
  readonly replicas: number;
  /**
   * Opens a plan in place of the one before: every replica is at the start of its data, with a history of zeros. Returns what each
   * reads. Rejects if a net does not compile or its data does not open.
   */
  open(plan: TrainingPlan): Promise<readonly Partition[]>;
  /**
   * Trains every replica from `weights` [all parameters, by the layout of the train net], and writes the average into them.
   * Rejects with `TrainingStopped` if replicas fail again and again; an engine whose replicas live elsewhere has then changed
   * nothing: weights and states are those of the round's start.
   */
  round(weights: Float32Array, work: Work): Promise<Round>;
  /** Copies of the replicas' states, which stay with them until they are asked for. */
  state(): Promise<ReplicaStates>;
  /** Sets the replicas' states, which are copied. Throws if there are not as many as replicas. */
  restore(states: ReplicaStates): Promise<void>;
  /** Runs a test net (by its index in the plan) over the next batches of its data, from `positions` on where they are given. */
  test(net: number, weights: Float32Array, batches: number, positions?: readonly number[]): Promise<Scores>;
}

/** Runs a net forward on replicas; here too, engines differ only in where those live. */
export interface ForwardEngine extends AsyncDisposable {
  /** Opens a plan, with the net's parameters. Rejects if the net does not compile or its data does not open. */
  open(plan: ForwardPlan, weights: Float32Array): Promise<void>;
  /**
   * The values of the plan's blobs for the first `batches` batches of the data, in their order. Only a few batches for each
   * replica are under way at a time: pulling is the back-pressure. What was given is overwritten when the next is asked for.
   */
  run(batches: number): AsyncIterable<readonly Float32Array[]>;
}

/** Training cannot go on: replicas failed again and again. The engine can still give its state. */
export class TrainingStopped extends NetrunError {}
