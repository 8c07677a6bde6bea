import type { ForwardPlan, Plan } from "../../run/plan.js";
import type { Scores, Work } from "../engine.js";
import type { ReplicaInfo, ReplicaReport, ReplicaTask } from "../replica.js";

/** What a host's replica is asked to do, and what it answers; buffers go with it both ways. */
export interface Calls {
  /** Opens a plan, in place of one that was open. No buffers. */
  readonly open: { readonly task: Plan; readonly result: ReplicaInfo };
  /** Opens a plan of forward passes. Buffers: the weights, which are copied. The result: floats of each of the plan's blobs. */
  readonly openForward: { readonly task: ForwardPlan; readonly result: readonly number[] };
  /** Runs the batch of that number. Buffers: room for each of the plan's blobs, filled. */
  readonly forward: { readonly task: { readonly batch: number }; readonly result: undefined };
  /** Buffers: the weights, then the history, changed in place. */
  readonly train: {
    readonly task: Omit<ReplicaTask, "weights" | "history"> & { readonly work: Work };
    readonly result: ReplicaReport;
  };
  /** Buffers: the weights. */
  readonly test: {
    readonly task: { readonly net: number; readonly batches: number; readonly positions: readonly number[] };
    readonly result: Scores;
  };
}

export type CallName = keyof Calls;

/** A call on its way to a replica, as plain data. */
export interface Call<N extends CallName = CallName> {
  readonly name: N;
  readonly task: Calls[N]["task"];
  readonly buffers: readonly Float32Array[];
}

/** What comes back: the result and the buffers. */
export interface Answer<N extends CallName = CallName> {
  readonly result: Calls[N]["result"];
  readonly buffers: readonly Float32Array[];
}

/** Where one replica lives: a thread or a process. One call at a time. */
export interface Host extends AsyncDisposable {
  /** What to name it by in messages. */
  readonly name: string;
  /** Iterations done since it started; it shows that a replica is alive while a call is under way. */
  readonly progress: number;
  /**
   * Has the replica do something. The buffers are given away: those of the answer are the same memory or other memory of the
   * same lengths. Rejects if the replica throws, dies or is killed; the buffers are lost then.
   */
  call<N extends CallName>(name: N, task: Calls[N]["task"], buffers: readonly Float32Array[]): Promise<Answer<N>>;
  /** Ends it at once, whatever it does. */
  kill(): Promise<void>;
}
