import { rmSync } from "node:fs";
import { join } from "node:path";
import type { RecordBatch } from "apache-arrow";
import { NetrunError } from "../../error.js";
import { makeFolder } from "../../file.js";
import { random } from "../../random.js";
import { permutation } from "../shuffle/shuffle.js";
import { openArrow } from "../source/arrow/messages.js";
import { writeArrow } from "../source/arrow/write.js";
import type { DataSource } from "../source/source.js";
import { concatenate, gatherRows } from "./stages.js";

/** Limits of a bucket in memory and of open files. */
const BUCKET_BYTES = 64 * 2 ** 20;
const MAX_BUCKETS = 256;
const ROWS = 256;

/**
 * All rows in a random order that `seed` decides, however many: each row is thrown into one of several buckets on disk,
 * and the buckets are shuffled in memory one after the other; every order is equally likely. `bytes` is about how
 * many there are in all. The buckets lie in `folder`, which is there meanwhile. Throws NetrunError where it cannot be made.
 */
export async function* shuffled(
  batches: AsyncIterable<RecordBatch>,
  seed: number,
  bytes: number,
  labels: DataSource["labels"],
  folder: string,
): AsyncGenerator<RecordBatch> {
  try {
    makeFolder(folder);
  } catch (cause) {
    throw new NetrunError(`cannot make the folder: ${(cause as Error).message}`, { file: folder, cause });
  }
  try {
    const buckets = Math.max(1, Math.min(MAX_BUCKETS, Math.ceil(bytes / BUCKET_BYTES)));
    const files = Array.from({ length: buckets }, (_, i) => new Bucket(join(folder, `${i}.arrow`)));
    const draws = random(seed);
    for await (const batch of batches) {
      const rows = files.map((): number[] => []);
      for (let row = 0; row < batch.numRows; row++) rows[draws.integer(buckets)]!.push(row);
      for (const [i, file] of files.entries())
        if (rows[i]!.length > 0) await file.add(gatherRows(batch, rows[i]!, labels));
    }
    for (const [i, file] of files.entries()) {
      const whole = await file.finish(labels);
      if (!whole) continue;
      const order = permutation(whole.numRows, seed, i + 1);
      for (let at = 0; at < order.length; at += ROWS) yield gatherRows(whole, order.subarray(at, at + ROWS), labels);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Rows on their way to a file of their own. */
class Bucket {
  readonly #path: string;
  readonly #queue: RecordBatch[] = [];
  readonly #written: Promise<void>;
  #wake: () => void = () => {};
  #taken: () => void = () => {};
  #ended = false;

  constructor(path: string) {
    this.#path = path;
    this.#written = writeArrow(path, this.#batches());
    this.#written.catch(() => {});
  }

  async add(batch: RecordBatch): Promise<void> {
    this.#queue.push(batch);
    const taken = new Promise<void>((resolve) => {
      this.#taken = resolve;
    });
    this.#wake();
    // Either the file takes the rows or it fails, and then there is no use in waiting.
    await Promise.race([taken, this.#written]);
  }

  /** All rows of the bucket. */
  async finish(labels: DataSource["labels"]): Promise<RecordBatch | undefined> {
    this.#ended = true;
    this.#wake();
    await this.#written;
    const messages = openArrow(this.#path);
    try {
      const parts = messages.rows.map((_, i) => messages.read(i));
      return parts.length > 0 ? concatenate(parts, labels) : undefined;
    } finally {
      messages.close();
      rmSync(this.#path);
    }
  }

  async *#batches(): AsyncGenerator<RecordBatch> {
    for (;;) {
      const batch = this.#queue.shift();
      if (batch) {
        yield batch;
        this.#taken();
      } else if (this.#ended) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}
