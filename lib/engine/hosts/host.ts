import type { ForwardPlan } from "../../run/plan.js";
import type { Scores, Work } from "../engine.js";
import type { ReplicaInfo, ReplicaPlan, ReplicaReport } from "../replica.js";
import type { Place } from "../state.js";

/**
 * Calls of a host's replica. `buffers` go there and come back changed; of `room` the contents do not go there, and what the replica
 * has written comes back.
 */
export interface Calls {
  /** Opens a plan, in place of one that was open. */
  readonly open: { readonly task: ReplicaPlan; readonly result: ReplicaInfo };
  /** Opens a plan of forward passes. Buffers: the weights, which are copied. The result: floats of each of the plan's blobs. */
  readonly openForward: { readonly task: ForwardPlan; readonly result: readonly number[] };
  /** Runs the batch of that number. Room: each of the plan's blobs. */
  readonly forward: { readonly task: { readonly batch: number }; readonly result: undefined };
  /**
   * A round. Buffers: the weights, changed in place, and where `from` is given the vectors of the state to set before, as
   * `vectorsOf` gives them. Room: none, or the vectors of the state after the round.
   */
  readonly round: {
    readonly task: { readonly work: Work; readonly from?: Place | undefined };
    readonly result: ReplicaReport;
  };
  /** Room: the vectors of the state. */
  readonly state: { readonly task: Record<string, never>; readonly result: Place };
  /** Buffers: the weights. */
  readonly test: {
    readonly task: { readonly net: number; readonly batches: number; readonly positions: readonly number[] };
    readonly result: Scores;
  };
}

export type CallName = keyof Calls;

/** A call of a replica, as plain data. */
export interface Call<N extends CallName = CallName> {
  readonly name: N;
  readonly task: Calls[N]["task"];
  readonly buffers: readonly Float32Array[];
  readonly room: readonly Float32Array[];
}

/** What comes back: the result, the buffers and the room. */
export interface Answer<N extends CallName = CallName> {
  readonly result: Calls[N]["result"];
  readonly buffers: readonly Float32Array[];
  readonly room: readonly Float32Array[];
}

/** Where one replica lives: a thread or a process. One call at a time. */
export interface Host extends AsyncDisposable {
  /** What to name it by in messages. */
  readonly name: string;
  /** Iterations done since it started; it shows that a replica is alive while a call is under way. */
  readonly progress: number;
  /**
   * Has the replica do something. Buffers and room are given away: those of the answer are the same memory or other memory of the
   * same lengths. Rejects if the replica throws, dies or is killed; they are lost then.
   */
  call<N extends CallName>(call: Call<N>): Promise<Answer<N>>;
  /** Ends it at once, whatever it does. */
  kill(): Promise<void>;
}
