import { channel } from "node:diagnostics_channel";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { serialize } from "node:v8";
import { NetrunError } from "../../error.js";
import { deleteVectorFolder, newVectorFolder, VectorFile } from "../vector-file.js";
import type { CallPatience } from "../hosts/host.js";
import { type RowSet, rowSetsOf } from "./data.js";
import { frameError } from "./frame-error.js";
import { type Frame, packFrame, readFrames } from "./frames.js";
import { passSignal } from "./signals.js";
import type { CallAnswer, CallHead, ClusterInfo, FrameInfo, Request, RowsExtract, VectorsAt } from "./messages.js";

/** A call of one replica's worker. */
export interface ClusterCall {
  readonly name: string;
  readonly worker: number;
  readonly replica: number;
  readonly replicas: number;
  readonly task: object;
  readonly buffers: readonly Float32Array[];
  /** Number of the leading buffers that are the same for all replicas. */
  readonly common: number;
  readonly room: readonly number[];
  /** Places of the answer's vectors. */
  readonly result: string;
  readonly store: number;
  readonly keep: number;
  readonly patience: CallPatience;
}

/** Result of a call. */
export interface ClusterAnswer extends CallAnswer {
  readonly body: Uint8Array;
}

interface Waiting {
  resolve(answer: ClusterAnswer): void;
  reject(error: Error): void;
}

/** Every answer, for who measures where the time of a round goes. */
const answers = channel("netrun:spark:answer");

/** Patience with the end of a worker, which is killed. */
const END_MS = 60_000;

/** Patience with a JVM that says nothing while something of it is awaited, and how often it is asked for a sign meanwhile. */
const SILENT_MS = 120_000;
const SIGNS = 4;

const bytesOf = (vectors: readonly Float32Array[]): number =>
  vectors.reduce((sum, { byteLength }) => sum + byteLength, 0);

/** The connection to the JVM of a Spark application, which has its executors' workers called. */
export class Cluster implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #folder = newVectorFolder("exchange");
  readonly #waiting = new Map<number, Waiting>();
  /** The calls of this turn of the event loop, which go in one job. */
  #gathered: {
    readonly call: ClusterCall;
    readonly id: number;
    readonly common: VectorsAt | null;
    readonly own: VectorsAt | null;
  }[] = [];
  /** The vector that was written last for all replicas, in this turn, and its file. */
  #shared: { readonly vector: Float32Array; readonly at: VectorsAt } | undefined;
  /** Files of common vectors by the first worker of the calls that have it: several engines may share the application. */
  readonly #commons = new Map<number, VectorFile>();
  readonly #silentMs: number;
  readonly #watch: NodeJS.Timeout;
  /** Signs of the JVM that were asked for in vain. Not a time: this process may be busy itself, or stopped. */
  #silences = 0;
  #ids = 0;
  #files = 0;
  #ended: Error | undefined;

  private constructor(socket: Socket, silentMs = SILENT_MS) {
    this.#socket = socket;
    this.#silentMs = silentMs;
    this.#watch = setInterval(() => this.#listen(), silentMs / SIGNS).unref();
    void this.#read();
  }

  /** Connects to the JVM's socket. */
  static async connect(path: string): Promise<Cluster> {
    const socket = connect(path);
    await once(socket, "connect");
    return new Cluster(socket);
  }

  /** Takes a connection that the JVM has made, and which ends where the JVM is silent for so long while it is to answer. */
  static of(socket: Socket, silentMs?: number): Cluster {
    return new Cluster(socket, silentMs);
  }

  /** Description of the cluster, after telling it which Node and netrun its executors start where they have no archive. */
  async hello(): Promise<ClusterInfo> {
    const home = fileURLToPath(new URL("../../../../", import.meta.url));
    const { body: _, ...info } = await this.#ask({ op: "hello", node: process.execPath, home });
    return info as unknown as ClusterInfo;
  }

  /** The path of a new file for vectors. */
  newPath(name: string): string {
    return join(this.#folder, name);
  }

  /** A number that nothing else has: a worker, a block. */
  newId(): number {
    return ++this.#ids;
  }

  /** Has a worker do something; calls of the same turn of the event loop go together. Buffers are copied before it returns. */
  call(call: ClusterCall): Promise<ClusterAnswer> {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = this.newId();
    const common = call.common > 0 ? this.#share(call.worker, call.buffers[0]!) : null;
    const own = this.#writeOwn(call.worker, call.buffers.slice(call.common));
    if (this.#gathered.length === 0) queueMicrotask(() => this.#flush());
    this.#gathered.push({ call, id, common, own });
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  #share(worker: number, vector: Float32Array): VectorsAt {
    if (this.#shared?.vector !== vector) {
      const path = this.newPath(`common-${worker}`);
      const file = this.#commons.get(worker) ?? new VectorFile(path, true);
      this.#commons.set(worker, file);
      file.write([vector]);
      this.#shared = { vector, at: { path, bytes: vector.byteLength } };
    }
    return this.#shared.at;
  }

  #writeOwn(worker: number, vectors: readonly Float32Array[]): VectorsAt | null {
    if (vectors.length === 0) return null;
    const path = this.newPath(`own-${worker}`);
    const file = new VectorFile(path, true);
    file.write(vectors);
    file.close();
    return { path, bytes: bytesOf(vectors) };
  }

  #flush(): void {
    const gathered = this.#gathered;
    this.#gathered = [];
    this.#shared = undefined;
    const groups = new Map<string, typeof gathered>();
    for (const each of gathered) {
      const { name, replicas } = each.call;
      const key = `${name} ${replicas} ${each.common?.path}`;
      groups.set(key, [...(groups.get(key) ?? []), each]);
    }
    for (const group of groups.values()) {
      const { call: first, common } = group[0]!;
      const calls = group.map(({ call, id, own }): CallHead => {
        const { worker, replica, store, keep, patience, result, room, buffers, common: shared } = call;
        const head = { buffers: buffers.map(({ length }) => length), common: shared, room };
        return { id, worker, replica, head, own, store, keep, patience, result };
      });
      const { name, replicas } = first;
      const data = rowSetsOf(first.task).map((set) => set.name);
      const bodies = group.map(({ call }) => serialize(call.task));
      this.#send({ op: "calls", name, replicas, data, common, calls }, bodies);
    }
  }

  /** Writes the kept state of a replica to a file; its path. Rejects where no copy is left. */
  async readBlock(replica: number, block: number): Promise<string> {
    const path = this.newPath(`state-${this.#files++}`);
    const { status, reason } = await this.#ask({ op: "read", replica, block, path });
    if (status !== "ok")
      throw new NetrunError(`the state of replica ${replica} is lost: ${reason}`, { notes: [FROM_SNAPSHOT] });
    return path;
  }

  /** Opens a DataFrame by its address, under a number, and orders its rows where replicas are to read them; what is known of it, and some of its rows as an Arrow stream. */
  async openFrame(
    source: string,
    frame: number,
    ordered: boolean,
  ): Promise<FrameInfo & { readonly sample: Uint8Array }> {
    const { status, reason = "", body, ...answer } = await this.#ask({ op: "frame", frame, source, ordered });
    if (status !== "ok") throw frameError(source, reason);
    const { unusable, texts, rows } = answer as unknown as FrameInfo;
    return { unusable, texts, rows, sample: body };
  }

  /** Has a DataFrame written with blobs beside its own columns. */
  async extract(wanted: RowsExtract): Promise<void> {
    const { status, reason = "" } = await this.#ask({ op: "extract", ...wanted });
    if (status !== "ok") throw frameError(wanted.output, reason);
  }

  /** Has DataFrames cut into what each replica reads, cached where it will be. */
  async shareRows(replicas: number, sets: readonly RowSet[]): Promise<void> {
    if (sets.length === 0) return;
    const { status, reason = "" } = await this.#ask({ op: "rows", replicas, sets });
    if (status !== "ok") throw frameError("the rows of the data", reason);
  }

  /** Ends a worker wherever it is. */
  async end(worker: number, replica: number, replicas: number): Promise<void> {
    if (this.#ended) return;
    const patience = { firstMs: END_MS, nextMs: END_MS, factor: 0 };
    const common = { worker, replica, replicas, patience, common: 0, store: -1, keep: -1, result: "" };
    await this.call({ name: "end", task: {}, buffers: [], room: [], ...common }).catch(() => {});
  }

  /** Deletes the files of workers that have ended, all of those that shared calls: an application outlives its engines. */
  leave(workers: readonly number[]): void {
    for (const worker of workers) {
      this.#commons.get(worker)?.close();
      this.#commons.delete(worker);
      for (const kind of ["common", "own", "result"]) rmSync(this.newPath(`${kind}-${worker}`), { force: true });
    }
  }

  /** Frees kept states. */
  forget(replica: number, blocks: readonly number[]): void {
    if (!this.#ended) this.#send({ op: "forget", replica, blocks }, []);
  }

  /** Asks the JVM for something else. */
  #ask(request: Request): Promise<ClusterAnswer> {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = this.newId();
    this.#send({ ...request, id }, []);
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  #send(head: Request | (Request & { readonly id: number }), bodies: readonly Uint8Array[]): void {
    this.#socket.write(packFrame({ head: head as unknown as Frame["head"], bodies }));
  }

  /** Ends the connection to a JVM that has stopped: its answers would be awaited for ever. */
  #listen(): void {
    if (this.#waiting.size === 0) this.#silences = 0;
    else if (this.#silences++ >= SIGNS) {
      const seconds = this.#silentMs / 1000;
      this.#end(
        new NetrunError(`the JVM of the Spark application hangs: it has said nothing in ${seconds} s`, {
          notes: ["spark.driver.memory may be too little for it", FROM_SNAPSHOT],
        }),
      );
      this.#socket.destroy();
    } else this.#send({ op: "ping", id: this.newId() }, []);
  }

  async #read(): Promise<void> {
    let cause: unknown;
    try {
      for await (const { head, bodies } of readFrames(this.#socket)) {
        this.#silences = 0;
        if ("signal" in head) {
          passSignal(head["signal"] as NodeJS.Signals);
          continue;
        }
        const answer = head as unknown as CallAnswer;
        const waiting = this.#waiting.get(answer.id);
        this.#waiting.delete(answer.id);
        if (answers.hasSubscribers) answers.publish(answer);
        waiting?.resolve({ ...answer, body: bodies[0] ?? new Uint8Array() });
      }
    } catch (error) {
      cause = error;
    }
    this.#end(new NetrunError("the Spark application has ended", { notes: [FROM_SNAPSHOT], cause }));
  }

  #end(error: Error): void {
    clearInterval(this.#watch);
    this.#ended ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#socket.destroyed) this.#socket.destroy();
    this.#end(new Error("the cluster was left"));
    for (const file of this.#commons.values()) file.close();
    deleteVectorFolder(this.#folder);
  }
}

const FROM_SNAPSHOT = "go on from the last snapshot: netrun train --snapshot FILE.solverstate";
