import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Piscina } from "piscina";
import { Buffers } from "../../buffers.js";
import { isInNative, newNativeState, stopNative } from "../../onnx/native.js";
import { unpackError } from "../../wire-error.js";
import { vectorOf } from "../vector.js";
import { type Answer, type Call, type CallName, type Calls, CHANGED, type Host } from "./host.js";
import type { ThreadAnswer, ThreadTask } from "./thread-worker.js";

/** Grace period of a thread: one that is inside onnxruntime ends only after that. */
const END_MS = 2000;
/** Interval of looking whether it has left. */
const LOOK_MS = 5;
/** One that is inside for so long hangs: it is ended where it is, and would not come back to do harm. */
const STUCK_MS = 30_000;

/** A replica in a worker thread. It trains in the memory that its buffers are copied to, which moves there and back. */
export class ThreadHost implements Host {
  readonly name: string;
  readonly sharesMemory = true;
  readonly #progress = new Int32Array(new SharedArrayBuffer(4));
  readonly #native = newNativeState();
  /** Memory for buffers: one of each length, since a round takes one vector of weights after the other. */
  readonly #memory = new Buffers(1);
  /** Buffers of the last answer's vectors. */
  #lent: readonly Float32Array[] = [];
  /** Rejects the call that is under way. */
  #abandon: (reason: Error) => void = () => {};
  readonly #pool: Piscina<ThreadTask, ThreadAnswer>;
  /** Reason why the thread ended. */
  #ended: string | undefined;
  #killed = false;

  constructor(index: number) {
    this.name = `worker thread ${index}`;
    // A pool of one thread for each replica: a session stays where it is. Without Atomics, since a thread that waits in them
    // cannot prefetch data.
    this.#pool = new Piscina({
      filename: fileURLToPath(new URL("thread-worker.js", import.meta.url)),
      // Flags of the program that started this one (`--input-type`, `--eval`) would break a worker that is a file.
      execArgv: [],
      minThreads: 1,
      maxThreads: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      atomics: "disabled",
      recordTiming: false,
      workerData: { native: this.#native },
    });
    // A thread that fails between calls makes the next call fail: Piscina starts another one, but that has no plan open.
    this.#pool.on("error", (error: Error) => {
      this.#ended ??= error.message;
    });
  }

  get progress(): number {
    return Atomics.load(this.#progress, 0);
  }

  async call<N extends CallName>(call: Call<N>): Promise<Answer<N>> {
    if (this.#ended !== undefined) throw new Error(this.#ended);
    this.#memory.give(this.#lent);
    this.#lent = [];
    const buffers = call.buffers.map((values) => this.#memory.copy(values));
    // Other hosts make their copies too before the first replica starts: it would take the core that they are made on.
    await undefined;
    if (this.#ended !== undefined) throw new Error(this.#ended);
    const transferList = [...buffers, ...call.room].map(({ buffer }) => buffer as ArrayBuffer);
    const running = this.#pool.run({ call: { ...call, buffers }, progress: this.#progress }, { transferList });
    const answer = await new Promise<ThreadAnswer>((resolve, reject) => {
      this.#abandon = reject;
      running.then(resolve, reject);
    });
    if ("error" in answer) throw unpackError(answer.error);
    // Those of an inference are sent once, and are not held on to.
    if (call.name !== "openForward") this.#lent = answer.buffers;
    const changed = answer.buffers.slice(0, CHANGED[call.name]).map(vectorOf);
    return { result: answer.result as Calls[N]["result"], changed, room: answer.room };
  }

  async kill(): Promise<void> {
    if (this.#killed) return;
    this.#killed = true;
    this.#ended ??= "was killed";
    this.#abandon(new Error("was killed"));
    stopNative(this.#native);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, END_MS);
    });
    await Promise.race([this.#end(), late]);
    clearTimeout(timer);
  }

  /** Ends the thread once it is outside onnxruntime. */
  async #end(): Promise<void> {
    const stuckMs = performance.now() + STUCK_MS;
    while (isInNative(this.#native) && performance.now() < stuckMs) await sleep(LOOK_MS, undefined, { ref: false });
    await this.#pool.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}
