import { rmSync } from "node:fs";
import { join } from "node:path";
import { NetrunError } from "../../error.js";
import { newScratchFolder } from "../../scratch.js";
import type { SourceSpec } from "../source/open.js";
import type { NamedRows } from "../source/table/save.js";

/** Data given by a caller: a path (or the name of an embedded data set), a source, rows, or a function that gives rows. */
export type GivenData = string | SourceSpec | NamedRows | (() => NamedRows);

/**
 * The rows that callers give as data, kept in files of their own for as long as something reads them, since rows come once and
 * are wanted by several threads, epoch after epoch.
 */
export class GivenRows implements AsyncDisposable {
  readonly #known = new Map<NamedRows | (() => NamedRows), Promise<SourceSpec>>();
  #folder: string | undefined;

  /**
   * The data with rows written to a file; they have to end. Rows that cannot be used are noted in it, and errors on them begin with
   * `whose`. Throws a NetrunError without rows.
   */
  async resolve(data: GivenData | undefined, whose = ""): Promise<string | SourceSpec | undefined> {
    if (data === undefined || typeof data === "string" || "kind" in data) return data;
    const known = this.#known.get(data) ?? this.#write(typeof data === "function" ? data() : data, whose);
    this.#known.set(data, known);
    return known;
  }

  async #write(rows: NamedRows, whose: string): Promise<SourceSpec> {
    if (!(Symbol.iterator in rows) && !(Symbol.asyncIterator in rows))
      throw new NetrunError("data is neither a path, a source nor an iterable of rows");
    const [{ spool }, { batchesOfRows }] = await Promise.all([
      import("../source/table/spool.js"),
      import("../source/table/save.js"),
    ]);
    if (this.#folder === undefined) {
      this.#folder = newScratchFolder("rows");
      // What the caller does not dispose of must not stay behind either.
      process.on("exit", this.#release);
    }
    const path = join(this.#folder, `${this.#known.size}.arrow`);
    // The caller knows nothing of the file.
    await spool(path, {
      files: ["rows"],
      convert: () => batchesOfRows(path, rows, {}, ""),
      where: (row) => `${whose}row ${row}`,
    });
    return { kind: "rows", path, whose };
  }

  readonly #release = (): void => {
    process.off("exit", this.#release);
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = undefined;
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#known.values());
    this.#release();
  }
}
