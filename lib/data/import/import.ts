import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { RecordBatch } from "apache-arrow";
import { NetrunError } from "../../error.js";
import { makeFolder, removeAbandoned, writeWhole } from "../../file.js";
import { count } from "../../graph/type.js";
import { ownName } from "../../owner.js";
import { Skipped } from "../feed/skipped.js";
import type { ImageDecoding } from "../image/image.js";
import { BOXES } from "../source/boxes.js";
import { openArrow } from "../source/arrow/messages.js";
import { writeArrow } from "../source/arrow/write.js";
import { knownFailure } from "../source/failures.js";
import { openRecords, type SourceSpec } from "../source/open.js";
import type { DataSource } from "../source/source.js";
import { shuffled } from "./shuffle.js";
import { decoded, type NumberedRows, sound } from "./stages.js";

/** Options of an import. */
export interface ImportOptions {
  /** Decodes images to pixels, and resizes them; without it they stay encoded. */
  readonly images?: ImageDecoding | undefined;
  /** The seed of a random order of the rows. */
  readonly shuffle?: number | undefined;
  /** Writes a folder of files with this many rows each, and takes up an import that was interrupted. */
  readonly rowsPerFile?: number | undefined;
  /** True if a row that cannot be used ends the import, or is counted, reported and skipped. Default "fail". */
  readonly onBadRecord?: "fail" | "skip" | undefined;
  progress?(rows: number, total: number): void;
}

/** Result of an import. */
export interface Imported {
  readonly rows: number;
  readonly files: readonly string[];
  /** Files that an earlier, interrupted import had written already. */
  readonly kept: number;
  /** Rows that were skipped, where there were such. */
  readonly skipped?: number;
}

/** About the size of an encoded image, where nothing better is known. */
const IMAGE_BYTES = 100_000;

/**
 * Copies any source into an Arrow file, or with `rowsPerFile` into a folder of Arrow files, which is a source itself then.
 * Never holds more than a few record batches in memory. Throws a NetrunError that names the row that cannot be read.
 */
export async function importSource(spec: SourceSpec, out: string, options: ImportOptions = {}): Promise<Imported> {
  await using source = await openRecords(spec);
  if (options.images && !Object.entries(source.fields).some(([name, { dtype }]) => dtype === "image" && name !== BOXES))
    throw noImages(spec, source);
  const skipped = new Skipped();
  const onBad = (error: NetrunError): void => {
    if (options.onBadRecord !== "skip") throw error;
    skipped.add(error);
  };
  if (source.failures && options.onBadRecord !== "skip") throw knownFailure(source.failures);
  // Beside the output, where there is room for it, and where the next import finds what a killed one left.
  const place = options.rowsPerFile === undefined ? `${out}.` : `${out}/`;
  removeAbandoned(place);
  const buckets = `${place}shuffle.${ownName()}.tmp`;
  const rows = counted(rowsOf(source, options, onBad, buckets), source.length, options.progress);
  if (options.rowsPerFile !== undefined) await prepareFolder(out, spec, source.length, options);
  const written =
    options.rowsPerFile === undefined ? await writeOne(out, rows) : await writeParts(out, rows, options.rowsPerFile);
  if (written.rows === 0) throw new NetrunError(`none of ${source.length} rows can be used`);
  const { count } = skipped.state;
  return count > 0 ? { ...written, skipped: count } : written;
}

function noImages(spec: SourceSpec, { fields }: DataSource): NetrunError {
  const all = Object.entries(fields).map(([name, { dtype, shape }]) => `${name} (${dtype} [${shape}])`);
  const file = "path" in spec ? spec.path : undefined;
  return new NetrunError("has no encoded images, which decoding and resizing are for", {
    file,
    notes: [`its fields: ${all.join(", ")}`, "leave out --resize, --decode, --gray and --color (in the API `images`)"],
  });
}

async function writeOne(out: string, batches: AsyncIterable<RecordBatch>): Promise<Imported> {
  let rows = 0;
  const counting = async function* (): AsyncGenerator<RecordBatch> {
    for await (const batch of batches) {
      rows += batch.numRows;
      yield batch;
    }
  };
  await writeArrow(out, counting());
  return { rows, files: [out], kept: 0 };
}

function rowsOf(
  source: DataSource,
  { images, shuffle }: ImportOptions,
  onBad: (error: NetrunError) => void,
  buckets: string,
): AsyncIterable<RecordBatch> {
  const plain = sound(source, onBad);
  const pixels = images ? decoded(plain, images, source, onBad) : batchesOf(plain);
  if (shuffle === undefined) return pixels;
  const size = images?.size ? 3 * images.size.height * images.size.width : IMAGE_BYTES;
  const rowBytes = Object.values(source.fields).reduce(
    (sum, { dtype, shape }) => sum + (dtype === "image" ? size : 4 * count(shape)),
    0,
  );
  return shuffled(pixels, shuffle, rowBytes * source.length, source.labels, buckets);
}

async function* batchesOf(rows: AsyncIterable<NumberedRows>): AsyncGenerator<RecordBatch> {
  for await (const { batch } of rows) yield batch;
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
async function prepareFolder(
  out: string,
  source: SourceSpec,
  rows: number,
  { images, shuffle, rowsPerFile, onBadRecord }: ImportOptions,
): Promise<void> {
  try {
    makeFolder(out);
  } catch (cause) {
    throw new NetrunError(`cannot make the folder: ${(cause as Error).message}`, { file: out, cause });
  }
  const manifest = join(out, "import.json");
  const content = `${JSON.stringify({ source, rows, images, shuffle, rowsPerFile, onBadRecord }, null, 2)}\n`;
  if (!existsSync(manifest)) await writeWhole(manifest, content);
  else if (readFileSync(manifest, "utf8") !== content)
    throw new NetrunError("the folder holds an import of other data or with other settings", {
      file: out,
      notes: ["remove the folder, or name another"],
    });
}

/** Parts have their names only when they are whole, so that those that are there are right. */
async function writeParts(out: string, batches: AsyncIterable<RecordBatch>, rowsPerFile: number): Promise<Imported> {
  const files: string[] = [];
  let [kept, rows] = [0, 0];
  const splitter = new Splitter(batches);
  while (await splitter.hasMore()) {
    const path = join(out, `part-${String(files.length).padStart(5, "0")}.arrow`);
    files.push(path);
    if (existsSync(path)) {
      kept++;
      for await (const part of splitter.take(rowsIn(path))) rows += part.numRows;
    } else {
      await writeArrow(path, splitter.take(rowsPerFile));
      rows += rowsIn(path);
    }
  }
  return { rows, files, kept };
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

  async hasMore(): Promise<boolean> {
    this.#rest ??= (await this.#iterator.next()).value as RecordBatch | undefined;
    return this.#rest !== undefined;
  }

  async *take(rows: number): AsyncGenerator<RecordBatch> {
    for (let left = rows; left > 0 && (await this.hasMore()); ) {
      const batch = this.#rest!;
      this.#rest = batch.numRows > left ? batch.slice(left, batch.numRows) : undefined;
      const portion = batch.numRows > left ? batch.slice(0, left) : batch;
      left -= portion.numRows;
      yield portion;
    }
  }
}
