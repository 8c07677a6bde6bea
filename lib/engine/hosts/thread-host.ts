import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Piscina } from "piscina";
import { isInNative, newNativeState, stopNative } from "../../onnx/native.js";
import type { Answer, Call, CallName, Host } from "./host.js";
import type { ThreadAnswer, ThreadTask } from "./thread-worker.js";
import { unpackError } from "./wire-error.js";

/** How long to wait for a thread to end: one that is inside onnxruntime ends only after that. */
const END_MS = 2000;
/** How often to look whether it has left. */
const LOOK_MS = 5;
/** One that is inside for so long hangs: it is ended where it is, and would not come back to do harm. */
const STUCK_MS = 30_000;

/** A replica in a worker thread. Buffers move to the thread and back without a copy. */
export class ThreadHost implements Host {
  readonly name: string;
  readonly #progress = new Int32Array(new SharedArrayBuffer(4));
  readonly #native = newNativeState();
  /** Rejects the call that is under way. */
  #abandon: (reason: Error) => void = () => {};
  readonly #pool: Piscina<ThreadTask, ThreadAnswer>;
  /** Why the thread is no more. */
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
    const transferList = [...call.buffers, ...call.room].map(({ buffer }) => buffer as ArrayBuffer);
    const running = this.#pool.run({ call, progress: this.#progress }, { transferList });
    const answer = await new Promise<ThreadAnswer>((resolve, reject) => {
      this.#abandon = reject;
      running.then(resolve, reject);
    });
    if ("error" in answer) throw unpackError(answer.error);
    return answer as Answer<N>;
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
