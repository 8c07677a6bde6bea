import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { unpackError } from "../../wire-error.js";
import { deleteVectorFolder, newVectorFolder, VectorFile } from "../vector-file.js";
import { type Answer, type Call, type CallName, type Calls, CHANGED, type Host } from "./host.js";
import type { FromChild, ToChild } from "./process-worker.js";

interface Pending {
  resolve(message: Extract<FromChild, { readonly result: unknown }>): void;
  reject(error: Error): void;
}

const living = new Set<number>();

/** Process ids of the worker processes of this process that live. */
export const workerProcesses = (): readonly number[] => [...living];

/** A replica in a child process: what crashes there leaves this process alone. Vectors go through a file in memory. */
export class ProcessHost implements Host {
  readonly name: string;
  /** Of the child process. */
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #folder = newVectorFolder("exchange");
  readonly #exchange: VectorFile;
  #progress = 0;
  #pending: Pending | undefined;
  #ended: string | undefined;
  #disposed = false;

  constructor(index: number) {
    const path = join(this.#folder, `${index}`);
    this.#exchange = new VectorFile(path, true);
    const file = fileURLToPath(new URL("process-worker.js", import.meta.url));
    this.#child = fork(file, [path], {
      // As for threads: flags of the program that started this one are not for a worker.
      execArgv: [],
      serialization: "advanced",
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.pid = this.#child.pid ?? 0;
    if (this.pid !== 0) living.add(this.pid);
    this.name = `worker process ${index} (pid ${this.pid})`;
    this.#child.on("message", (message) => this.#receive(message as FromChild));
    this.#child.on("error", (error) => this.#end(error.message));
    this.#child.on("exit", (code, signal) => this.#end(signal ? `ended by ${signal}` : `exited with code ${code}`));
    // An idle replica does not keep the program running; a call under way does.
    this.#child.unref();
    this.#child.channel?.unref();
  }

  get progress(): number {
    return this.#progress;
  }

  async call<N extends CallName>({ name, task, buffers, room }: Call<N>): Promise<Answer<N>> {
    if (this.#ended !== undefined) throw new Error(this.#ended);
    this.#exchange.write(buffers);
    // Other hosts write theirs too before the first replica starts: it would take the core that they are written on.
    await undefined;
    if (this.#ended !== undefined) throw new Error(this.#ended);
    this.#child.ref();
    this.#child.channel?.ref();
    try {
      const { result } = await this.#ask({ name, task, buffers: lengthsOf(buffers), room: lengthsOf(room) });
      let at = 0;
      const changed = buffers.slice(0, CHANGED[name]).map(({ length }) => {
        at += length;
        return this.#exchange.vector(at - length, length);
      });
      this.#exchange.read(room, at);
      return { result: result as Calls[N]["result"], changed, room };
    } finally {
      this.#child.unref();
      this.#child.channel?.unref();
    }
  }

  #ask(message: ToChild): Promise<Extract<FromChild, { readonly result: unknown }>> {
    return new Promise((resolve, reject) => {
      this.#pending = { resolve, reject };
      this.#child.send(message, (error) => {
        if (error) reject(error);
      });
    });
  }

  #receive(message: FromChild): void {
    if (message === "iteration") this.#progress++;
    else if ("error" in message) this.#settle((pending) => pending.reject(unpackError(message.error)));
    else this.#settle((pending) => pending.resolve(message));
  }

  #end(reason: string): void {
    living.delete(this.pid);
    this.#ended ??= reason;
    this.#settle((pending) => pending.reject(new Error(reason)));
  }

  #settle(how: (pending: Pending) => void): void {
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending) how(pending);
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null && this.pid !== 0) {
      this.#child.ref();
      const exit = once(this.#child, "exit");
      this.#child.kill("SIGKILL");
      await exit;
    }
    this.#end("was killed");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await this.kill();
    this.#exchange.close();
    deleteVectorFolder(this.#folder);
  }
}

const lengthsOf = (buffers: readonly Float32Array[]): readonly number[] => buffers.map(({ length }) => length);
