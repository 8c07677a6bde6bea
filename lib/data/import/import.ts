import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { RecordBatch } from "apache-arrow";
import { NetrunError } from "../../error.js";
import { writeWhole } from "../../file.js";
import { count } from "../../graph/type.js";
import { openArrow } from "../arrow/messages.js";
import { writeArrow } from "../arrow/write.js";
import type { ImageDecoding } from "../image.js";
import { openSource, type SourceSpec } from "../open.js";
import { type DataSource, WHOLE } from "../source.js";
import { shuffled } from "./shuffle.js";
import { decoded } from "./stages.js";

/** How a source is imported. */
export interface ImportOptions {
  /** Decodes images to pixels, and resizes them; without it they stay encoded. */
  readonly images?: ImageDecoding | undefined;
  /** The seed of a random order of the rows. */
  readonly shuffle?: number | undefined;
  /** Writes a folder of files with this many rows each, and takes up an import that was interrupted. */
  readonly rowsPerFile?: number | undefined;
  progress?(rows: number, total: number): void;
}

/** What an import has written. */
export interface Imported {
  readonly rows: number;
  readonly files: readonly string[];
  /** Files that an earlier, interrupted import had written already. */
  readonly kept: number;
}

/** About the size of an encoded image, where nothing better is known. */
const IMAGE_BYTES = 100_000;

/**
 * Copies any source into an Arrow file, or with `rowsPerFile` into a folder of Arrow files, which is a source itself then.
 * Never holds more than a few record batches in memory. Throws a NetrunError that names the row that cannot be read.
 */
export async function importSource(spec: SourceSpec, out: string, options: ImportOptions = {}): Promise<Imported> {
  await using source = await openSource(spec);
  const rows = counted(rowsOf(source, options), source.length, options.progress);
  if (options.rowsPerFile === undefined) {
    await writeArrow(out, rows);
    return { rows: source.length, files: [out], kept: 0 };
  }
  await prepareFolder(out, spec, options);
  return writeParts(out, rows, source.length, options.rowsPerFile);
}

function rowsOf(source: DataSource, { images, shuffle }: ImportOptions): AsyncIterable<RecordBatch> {
  const plain = source.batches(WHOLE);
  const pixels = images ? decoded(plain, images, source) : plain;
  if (shuffle === undefined) return pixels;
  const size = images?.size ? 3 * images.size.height * images.size.width : IMAGE_BYTES;
  const rowBytes = Object.values(source.fields).reduce(
    (sum, { dtype, shape }) => sum + (dtype === "image" ? size : 4 * count(shape)),
    0,
  );
  return shuffled(pixels, shuffle, rowBytes * source.length, source.labels);
}

async function* counted(
  batches: AsyncIterable<RecordBatch>,
  total: number,
  progress: ImportOptions["progress"],
): AsyncGenerator<RecordBatch> {
  let rows = 0;
  for await (const batch of batches) {
    yield batch;
    rows += batch.numRows;
    progress?.(rows, total);
  }
}

/** A folder remembers what it is imported from, so that a resumed import cannot mix two. */
async function prepareFolder(out: string, spec: SourceSpec, { images, shuffle, rowsPerFile }: ImportOptions) {
  mkdirSync(out, { recursive: true });
  const manifest = join(out, "import.json");
  const content = `${JSON.stringify({ source: spec, images, shuffle, rowsPerFile }, null, 2)}\n`;
  if (!existsSync(manifest)) await writeWhole(manifest, content);
  else if (readFileSync(manifest, "utf8") !== content)
    throw new NetrunError("the folder holds an import of other data or with other settings", {
      file: out,
      notes: ["remove the folder, or name another"],
    });
}

async function writeParts(
  out: string,
  batches: AsyncIterable<RecordBatch>,
  total: number,
  rowsPerFile: number,
): Promise<Imported> {
  const files: string[] = [];
  let kept = 0;
  let part = 0;
  const splitter = new Splitter(batches);
  for (let first = 0; first < total; first += rowsPerFile) {
    const rows = Math.min(rowsPerFile, total - first);
    const path = join(out, `part-${String(part++).padStart(5, "0")}.arrow`);
    files.push(path);
    const isThere = existsSync(path) && rowsIn(path) === rows;
    if (isThere) {
      kept++;
      for await (const _ of splitter.take(rows));
    } else await writeArrow(path, splitter.take(rows));
  }
  return { rows: total, files, kept };
}

function rowsIn(path: string): number {
  const messages = openArrow(path);
  messages.close();
  return messages.rows.reduce((sum, rows) => sum + rows, 0);
}

/** Gives record batches in portions of a wanted number of rows. */
class Splitter {
  readonly #iterator: AsyncIterator<RecordBatch>;
  #rest: RecordBatch | undefined;

  constructor(batches: AsyncIterable<RecordBatch>) {
    this.#iterator = batches[Symbol.asyncIterator]();
  }

  async *take(rows: number): AsyncGenerator<RecordBatch> {
    for (let left = rows; left > 0; ) {
      const next = this.#rest ?? (await this.#iterator.next()).value;
      if (!next) return;
      const batch = next as RecordBatch;
      this.#rest = batch.numRows > left ? batch.slice(left, batch.numRows) : undefined;
      const portion = batch.numRows > left ? batch.slice(0, left) : batch;
      left -= portion.numRows;
      yield portion;
    }
  }
}
