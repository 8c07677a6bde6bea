import { rmSync, writeFileSync } from "node:fs";
import { join as joinPath } from "node:path";
import { isFrame } from "../../data/source/detect.js";
import type { SourceSpec } from "../../data/source/open.js";
import { type FrameSpec, frameSpec } from "../../data/source/spark.js";
import { parseNumber } from "../../options/number.js";
import { parseValue } from "../../options/option.js";
import { newScratchFolder } from "../../scratch.js";
import { join, type SparkChoice } from "./choice.js";
import type { Cluster } from "./cluster.js";
import type { Launched } from "./launch.js";
import type { RowsExtract } from "./messages.js";

/**
 * DataFrames of a cluster as data: their rows stay there, and a sample of each is here, by which nets are checked. `choice` is the
 * cluster, which is joined when a DataFrame is asked for.
 */
export class DataFrames implements AsyncDisposable {
  readonly #choice: SparkChoice | undefined;
  readonly #ordered: boolean;
  readonly #known = new Map<string, Promise<SourceSpec>>();
  #joined: Promise<Launched> | undefined;
  #folder: string | undefined;

  /** `ordered` says whether replicas are to read them, each the same rows whatever happens. */
  constructor(choice: SparkChoice | undefined, ordered = true) {
    this.#choice = choice;
    this.#ordered = ordered;
  }

  /**
   * The source of an address such as `spark:parquet:hdfs:///train`; what is none stays as it is, and so does one without a cluster.
   * Throws a NetrunError where Spark cannot read it, or it has no rows.
   */
  async resolve(data: string | SourceSpec | undefined): Promise<string | SourceSpec | undefined> {
    if (typeof data !== "string" || !isFrame(data) || !this.#choice) return data;
    const known = this.#known.get(data) ?? this.#open(data, this.#choice);
    this.#known.set(data, known);
    return known;
  }

  async #open(frame: string, choice: SparkChoice): Promise<SourceSpec> {
    const cluster = await this.#cluster(choice);
    const id = cluster.newId();
    const { sample, ...described } = await cluster.openFrame(frame, id, this.#ordered);
    this.#folder ??= newScratchFolder("frames");
    const path = joinPath(this.#folder, `${id}.arrow`);
    writeFileSync(path, sample);
    return { kind: "spark", ...frameSpec({ frame, id, path, ...described, ...optionsOf(frame) }) };
  }

  async #cluster(choice: SparkChoice): Promise<Cluster> {
    if (!this.#joined) {
      this.#joined = join(choice);
      await (await this.#joined).cluster.hello();
    }
    return (await this.#joined).cluster;
  }

  /** Writes a DataFrame that was resolved with columns of blobs beside its own. */
  async extract(wanted: RowsExtract): Promise<void> {
    const { cluster } = await this.#joined!;
    await cluster.extract(wanted);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#known.values());
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
    const joined = await this.#joined?.catch(() => undefined);
    await joined?.close();
  }
}

const ADDRESS = /^spark:([^:?]+)(?:\?([^:]*))?:(.*)$/s;

/** Options of an address besides rows and their order: a value for missing numbers, and shapes of columns of lists. */
function optionsOf(frame: string): Pick<FrameSpec, "missing" | "shapes"> {
  const [, format, early, rest = ""] = ADDRESS.exec(frame) ?? [];
  const mark = early !== undefined || format === "sql" ? -1 : rest.lastIndexOf("?");
  const query = new URLSearchParams(early ?? (mark < 0 ? "" : rest.slice(mark + 1)));
  const missing = query.get("missing");
  const shapes = query.getAll("shape");
  return {
    missing: missing === null ? undefined : parseNumber("option missing", missing, {}, frame),
    shapes: parseValue("option shape", shapes, { type: "shapes", describe: "" }) as FrameSpec["shapes"],
  };
}
