import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { RecordBatch } from "apache-arrow";
import * as v from "valibot";
import { NetrunError } from "../../../error.js";
import { writeWhole } from "../../../file.js";
import { cacheFolder } from "../../cache.js";
import { arrowSource } from "../arrow/source.js";
import { writeArrow } from "../arrow/write.js";
import { notesOf } from "../columns.js";
import { type DataSource, WHOLE } from "../source.js";
import { sweepSpools, touch } from "./sweep.js";

/** Changes with every change of what is spooled for the same input. */
const VERSION = 5;

/** Files of which only the beginning is read, and the reader. */
export interface SpoolSpec {
  readonly files: readonly string[];
  /** All that the record batches depend on besides the files. */
  readonly options: unknown;
  convert(): AsyncIterable<RecordBatch>;
  /** Position of a line's row, for errors. */
  where(line: number): string;
}

/**
 * A source of what can only be read from its beginning, such as text: converted once to an Arrow file in the cache folder,
 * under a name that follows from the files' names, sizes and times of change and from `options`, and read from there. So shards,
 * resuming and any number of epochs cost no parsing, and nothing has to fit in memory. What was not used for long goes. Throws a NetrunError where it is empty.
 */
export async function spooled(spec: SpoolSpec): Promise<DataSource> {
  const states = spec.files.map((file) => {
    const { size, mtimeMs } = statSync(file);
    return [file, size, mtimeMs];
  });
  const key = createHash("sha256")
    .update(JSON.stringify([VERSION, states, spec.options]))
    .digest("hex")
    .slice(0, 24);
  const path = join(cacheFolder(), `spool-${key}.arrow`);
  if (existsSync(path)) touchAll(path);
  else {
    await spool(path, spec);
    sweepSpools(cacheFolder());
  }
  return spooledSource(path, spec.where);
}

/** Writes record batches to an Arrow file, and beside it a note of the rows in it that cannot be used. */
export async function spool(path: string, { files, convert, where }: Omit<SpoolSpec, "options">): Promise<void> {
  const batches = async function* (): AsyncGenerator<RecordBatch> {
    let [count, rows, first] = [0, 0, ""];
    for await (const batch of convert()) {
      const { failures, lines } = notesOf(batch);
      for (const [row, why] of failures) if (count++ === 0) first = `${where(lines![row]!)}: ${why}`;
      rows += batch.numRows;
      yield batch;
    }
    if (rows === 0) throw new NetrunError("the file has no rows", { file: files[0] });
    // Before the file has its name, so that it is never there without.
    if (count > 0) await writeWhole(failuresPath(path), JSON.stringify({ count, first }));
  };
  await writeArrow(path, batches());
}

/** The source of what `spool` has written. */
export async function spooledSource(path: string, where: SpoolSpec["where"]): Promise<DataSource> {
  const source = await arrowSource(path);
  const failures = existsSync(failuresPath(path)) ? readFailures(failuresPath(path)) : undefined;
  const locate = async (index: number): Promise<string> => {
    for await (const batch of source.batches(WHOLE, index)) return where(notesOf(batch).lines![0]!);
    return where(index);
  };
  return { ...source, failures, locate };
}

const noteSchema = v.object({ count: v.pipe(v.number(), v.safeInteger(), v.minValue(1)), first: v.string() });

function readFailures(path: string): NonNullable<DataSource["failures"]> {
  try {
    return v.parse(noteSchema, JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    throw new NetrunError("damaged: what an earlier run noted of rows that cannot be used", {
      file: path,
      notes: ["it is in the cache: delete it and the .arrow file beside it, and netrun makes them again"],
      cause,
    });
  }
}

function touchAll(path: string): void {
  for (const each of [path, failuresPath(path)]) if (existsSync(each)) touch(each);
}

const failuresPath = (path: string): string => path.replace(/\.arrow$/, ".failures.json");
