import { Worker } from "node:worker_threads";
import { NetrunError } from "../../../error.js";
import type { ParquetReply, ParquetRequest } from "./parquet-worker.js";

/** A row group is read in far less; a damaged one can keep its reader busy for ever. */
const READ_TIMEOUT_MS = 60_000;

/**
 * Reads a Parquet file in a thread of its own: on damaged pages hyparquet may loop without end, or leave a rejection behind that
 * would end the process. One request at a time.
 */
export class ParquetReader implements AsyncDisposable {
  readonly #path: string;
  readonly #worker: Worker;
  readonly #timeoutMs: number;
  #pending: { resolve(reply: ParquetReply): void; reject(error: NetrunError): void } | undefined;
  #end: NetrunError | undefined;

  private constructor(path: string, timeoutMs: number) {
    this.#path = path;
    this.#timeoutMs = timeoutMs;
    this.#worker = new Worker(new URL("./parquet-worker.js", import.meta.url), { workerData: path, execArgv: [] });
    this.#worker.on("message", (reply: ParquetReply) => this.#pending?.resolve(reply));
    this.#worker.on("error", (error) => this.#close(this.#damaged(error.message)));
    this.#worker.on("exit", () => this.#close(this.#damaged("its reader ended")));
    this.#worker.unref();
  }

  /** Opens a file; the rows of each row group. Throws NetrunError if it is damaged. */
  static async open(path: string, timeoutMs = READ_TIMEOUT_MS) {
    const reader = new ParquetReader(path, timeoutMs);
    try {
      const reply = await reader.#reply();
      if (reply.kind === "groups") return { reader, groups: reply.groups };
      throw reader.#damaged("the metadata is not there");
    } catch (error) {
      await reader[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Rows by column name. Throws NetrunError if they cannot be read, or not in a minute. */
  async rows(start: number, end: number, columns?: string[]): Promise<readonly Record<string, unknown>[]> {
    const reply = this.#reply();
    this.#worker.postMessage({ start, end, columns } satisfies ParquetRequest);
    const answer = await reply;
    if (answer.kind === "rows") return answer.rows;
    throw this.#damaged("rows were asked for");
  }

  #reply(): Promise<ParquetReply> {
    if (this.#end) return Promise.reject(this.#end);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#close(this.#damaged(`reading takes longer than ${this.#timeoutMs / 1000} s`));
        void this.#worker.terminate();
      }, this.#timeoutMs);
      const settle = <T>(then: (value: T) => void) => {
        return (value: T) => {
          clearTimeout(timer);
          this.#pending = undefined;
          then(value);
        };
      };
      const done = (reply: ParquetReply) =>
        reply.kind === "failure" ? reject(this.#damaged(reply.reason)) : resolve(reply);
      this.#pending = { resolve: settle(done), reject: settle(reject) };
    });
  }

  #close(reason: NetrunError): void {
    this.#end ??= reason;
    this.#pending?.reject(this.#end);
  }

  #damaged(reason: string): NetrunError {
    return new NetrunError("the Parquet file cannot be read", { file: this.#path, notes: [reason] });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close(this.#damaged("it is closed"));
    await this.#worker.terminate();
  }
}
