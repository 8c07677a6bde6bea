import { deserialize } from "node:v8";
import { NetrunError } from "../../error.js";
import { unpackError, type WireError } from "../../wire-error.js";
import {
  type Answer,
  type Call,
  type CallName,
  type CallPatience,
  type Calls,
  CHANGED,
  type Host,
} from "../hosts/host.js";
import type { StorePlace } from "../state-store.js";
import { VectorFile } from "../vector-file.js";
import type { Cluster, ClusterAnswer } from "./cluster.js";
import { SparkStates } from "./states.js";

/** Buffers, from the first one on, that are the same for all replicas: the weights. */
const COMMON = {
  open: 0,
  openForward: 1,
  forward: 0,
  round: 1,
  state: 0,
  test: 1,
} as const satisfies Record<CallName, number>;

/** Of a call that says nothing else. */
const PATIENCE: CallPatience = { firstMs: 600_000, nextMs: 600_000, factor: 0 };

const blockOf = (place: StorePlace | undefined): number =>
  typeof place === "object" && "block" in place ? place.block : -1;

const lengthsOf = (vectors: readonly Float32Array[]): readonly number[] => vectors.map(({ length }) => length);

/** A replica in a process of one of a cluster's executors, wherever Spark starts it. */
export class SparkHost implements Host {
  readonly watchesItself = true;
  readonly endsOnUserErrors = true;
  readonly states: SparkStates;
  /** The number that nothing else of the application has. */
  readonly worker: number;
  readonly #cluster: Cluster;
  readonly #replica: number;
  readonly #replicas: number;
  readonly #result: string;
  #file: VectorFile | undefined;
  #place = "";
  #progress = 0;
  #slowestMs = 0;
  #isOver = false;

  constructor(cluster: Cluster, replica: number, replicas: number) {
    this.#cluster = cluster;
    this.#replica = replica;
    this.#replicas = replicas;
    this.worker = cluster.newId();
    this.#result = cluster.newPath(`result-${this.worker}`);
    this.states = new SparkStates(cluster, replica);
  }

  get place(): string {
    return this.#place.trim();
  }

  get name(): string {
    return `worker ${this.#replica}${this.#place}`;
  }

  get progress(): number {
    return this.#progress;
  }

  get slowestMs(): number {
    return this.#slowestMs;
  }

  async call<N extends CallName>(
    { name, task, buffers, room }: Call<N>,
    patience: CallPatience = PATIENCE,
  ): Promise<Answer<N>> {
    const { store, keep, ...rest } = task as Partial<Call<"round">["task"]>;
    const answer = await this.#cluster.call({
      name,
      worker: this.worker,
      replica: this.#replica,
      replicas: this.#replicas,
      task: rest,
      buffers,
      common: COMMON[name],
      room: lengthsOf(room),
      result: this.#result,
      store: blockOf(store),
      keep: blockOf(keep),
      patience,
    });
    const result = this.#resultOf(answer) as Calls[N]["result"];
    let at = 0;
    const changed = buffers.slice(0, CHANGED[name]).map(({ length }) => {
      at += length;
      return this.#vectors().vector(at - length, length);
    });
    if (room.length > 0) this.#vectors().read(room, at);
    return { result, changed, room };
  }

  #vectors(): VectorFile {
    this.#file ??= new VectorFile(this.#result, false);
    return this.#file;
  }

  #resultOf({ status, reason, body, ...answer }: ClusterAnswer): unknown {
    const { executor, machine, pid, iterations = 0, slowestMs = 0 } = answer;
    if (executor !== undefined) this.#place = ` (executor ${executor} on ${machine}${pid ? `, pid ${pid}` : ""})`;
    if (status === "error") {
      const error = unpackError(deserialize(body) as WireError);
      error.message += `${this.#place}`;
      throw error;
    }
    if (status === "failed")
      throw new NetrunError(`${reason}${this.#place}`, { notes: ["go on from the last snapshot"] });
    if (status !== "ok") throw new Error(reason);
    this.#progress += iterations;
    this.#slowestMs = slowestMs;
    return deserialize(body);
  }

  async kill(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.#cluster.end(this.worker, this.#replica, this.#replicas);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    this.#file?.close();
    this.#file = undefined;
  }
}
