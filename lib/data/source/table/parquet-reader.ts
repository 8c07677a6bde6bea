import { NetrunError } from "../../../error.js";
import { Isolated } from "../../../isolated.js";
import type { ParquetOpening, ParquetRequest } from "./parquet-worker.js";

type Rows = readonly Record<string, unknown>[];

/**
 * Reads a Parquet file in a process of its own: on damaged pages hyparquet may loop without end, leave a rejection behind that
 * would end the process, or make V8 itself give up, which no thread survives.
 */
export class ParquetReader implements AsyncDisposable {
  readonly #isolated: Isolated;

  private constructor(isolated: Isolated) {
    this.#isolated = isolated;
  }

  /** Opens a file; the rows of each row group. Throws NetrunError if it is damaged, or not read in time. */
  static async open(path: string, timeoutMs?: number) {
    const isolated = new Isolated(new URL("./parquet-worker.js", import.meta.url), [], {
      file: path,
      what: "the Parquet file cannot be read",
      ...(timeoutMs !== undefined && { timeoutMs }),
    });
    try {
      const groups = (await isolated.ask({ file: path } satisfies ParquetOpening)) as readonly number[];
      if (groups.every((rows) => Number.isSafeInteger(rows) && rows >= 0))
        return { reader: new ParquetReader(isolated), groups };
      throw new NetrunError("the Parquet file cannot be read", { file: path, notes: [`row groups of ${groups} rows`] });
    } catch (error) {
      await isolated[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Rows by column name. Throws NetrunError if they cannot be read, or not in time. */
  rows(start: number, end: number, columns?: string[]): Promise<Rows> {
    return this.#isolated.ask({ start, end, columns } satisfies ParquetRequest) as Promise<Rows>;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#isolated[Symbol.asyncDispose]();
  }
}
