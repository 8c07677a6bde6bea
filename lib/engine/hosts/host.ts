import type { ForwardPlan } from "../../run/plan.js";
import type { Scores, Work } from "../engine.js";
import type { ReplicaInfo, ReplicaPlan, ReplicaReport } from "../replica.js";
import type { ReplicaPlace } from "../state.js";
import type { RemoteStates, StorePlace } from "../state-store.js";
import type { Vector } from "../vector.js";

/**
 * Calls of a host's replica: a name, plain data and vectors, so that they fit messages between threads, processes or machines.
 * `buffers` are copied there and stay the caller's; of `room` the contents do not go there, and what the replica has written comes back.
 */
export interface Calls {
  /** Opens a plan, in place of one that was open. */
  readonly open: { readonly task: ReplicaPlan; readonly result: ReplicaInfo };
  /** Opens a plan of forward passes. Buffers: the weights. The result: floats of each of the plan's blobs. */
  readonly openForward: { readonly task: ForwardPlan; readonly result: readonly number[] };
  /** Runs the batch of that number. Room: each of the plan's blobs. */
  readonly forward: { readonly task: { readonly batch: number }; readonly result: undefined };
  /** A round. Buffers: the weights, which come back trained, and the vectors of the state to set before it, where it is sent. */
  readonly round: { readonly task: RoundTask; readonly result: ReplicaReport };
  /** Room: the vectors of the state. */
  readonly state: { readonly task: Record<string, never>; readonly result: ReplicaPlace };
  /** Buffers: the weights. */
  readonly test: {
    readonly task: { readonly net: number; readonly batches: number; readonly positions: readonly number[] };
    readonly result: Scores;
  };
}

export type CallName = keyof Calls;

/** Number of a call's buffers, from the first one on, that come back as the replica has changed them. */
export const CHANGED = {
  open: 0,
  openForward: 0,
  forward: 0,
  round: 1,
  state: 0,
  test: 0,
} as const satisfies Record<CallName, number>;

/** Work of a replica in a round. Its history stays with it: states are set only where it has another one than it is to start from. */
export interface RoundTask {
  readonly work: Work;
  /** The state to set before: its vectors are in `store`, or were sent as `vectorsOf` gives them. */
  readonly from?: ReplicaPlace | undefined;
  readonly store?: StorePlace | undefined;
  /** Place to copy the vectors of the state after the round, for a redo of the next one. */
  readonly keep?: StorePlace | undefined;
}

/** A call of a replica, as plain data. */
export interface Call<N extends CallName = CallName> {
  readonly name: N;
  readonly task: Calls[N]["task"];
  readonly buffers: readonly Float32Array[];
  readonly room: readonly Float32Array[];
}

/** Answer of a host: the result, what is changed of the buffers, and the room. */
export interface Answer<N extends CallName = CallName> {
  readonly result: Calls[N]["result"];
  /** They stand until the host's next call, and may lie where the replica is. */
  readonly changed: readonly Vector[];
  readonly room: readonly Float32Array[];
}

/** Milliseconds that an iteration of a call may take: the first one, and another one: that, or `factor` times the slowest before. */
export interface CallPatience {
  readonly firstMs: number;
  readonly nextMs: number;
  readonly factor: number;
}

/** Host of a replica: a thread or a process. One call at a time. */
export interface Host extends AsyncDisposable {
  /** Name in messages. */
  readonly name: string;
  /** Iterations done since it started; it shows that a replica is alive while a call is under way. */
  readonly progress: number;
  /** Place of its replica, where that is for the user to know: the executor and its machine. */
  readonly place?: string | undefined;
  /** True if it finds out by itself that its replica hangs, by the patience of each call. Default false. */
  readonly watchesItself?: boolean | undefined;
  /** Place of its replica's states, if that is neither memory that is shared here nor a file. */
  readonly states?: RemoteStates | undefined;
  /** Milliseconds of the slowest iteration of its last call, where it watches itself. */
  readonly slowestMs?: number | undefined;
  /** True if an error that the replica throws is the user's, which another replica would meet too. Default false. */
  readonly endsOnUserErrors?: boolean | undefined;
  /** True if its replica sees memory that is shared here (a thread does); else what outlives it is in a file. Default false. */
  readonly sharesMemory?: boolean | undefined;
  /**
   * Has the replica do something. Buffers are copied before the function returns. Room is given away: that of the answer is the same
   * memory or other memory of the same lengths, and is lost where the call rejects: if the replica throws, dies or is killed.
   */
  call<N extends CallName>(call: Call<N>, patience?: CallPatience): Promise<Answer<N>>;
  /** Ends it at once, whatever it does. */
  kill(): Promise<void>;
}
