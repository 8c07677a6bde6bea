import { NetrunError } from "../error.js";
import { count } from "../graph/type.js";
import { bytesIn, type Column, type ImageColumn, type NumberColumn } from "./columns.js";
import { failureError } from "./failures.js";
import type { RecordsSpec } from "./feed-spec.js";
import { decodeImage, type Image } from "./image.js";
import type { Mean } from "./normalise.js";

import type { ArrayPool } from "./pool.js";
import { resizeImage } from "./resize.js";
import type { DataSource } from "./source.js";
import type { Tensor } from "./tensor.js";
import { IDENTITY, type Transform, transformer } from "./transform.js";

/** A finished batch and the absolute position behind its last record. */
export interface Batch {
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly end: number;
}

/** Which record a row is: its number in the source and epoch, and its absolute number in the stream. */
export interface RecordId {
  readonly epoch: number;
  readonly index: number;
  readonly ordinal: number;
}

/** Rows of a source, and why some of them cannot be used. */
export interface Rows {
  readonly columns: Columns;
  readonly failures: ReadonlyMap<number, string>;
}

/** An error about one row, on its way to be given a name. */
class BadRow {
  constructor(
    readonly error: NetrunError,
    readonly record: RecordId,
  ) {}
}

/** Assembles batches row by row: decodes, transforms and writes each top's rows in place. */
export class BatchBuilder {
  readonly #size: number;
  readonly #source: DataSource;
  readonly #onBad: ((error: NetrunError) => void) | undefined;
  readonly #tops: readonly TopWriter[];
  #filled = 0;

  /**
   * Batches are arrays of the pool. `onBad` gets the errors about rows that are then left out; without it they are thrown.
   */
  constructor(
    spec: RecordsSpec,
    source: DataSource,
    mean: Mean | undefined,
    pool: ArrayPool,
    onBad: ((error: NetrunError) => void) | undefined,
  ) {
    this.#size = spec.batchSize;
    this.#source = source;
    this.#onBad = onBad;
    this.#tops = spec.tops.map(
      (top, i) => new TopWriter(spec, top, fieldFor(spec, source, top, i), i === 0, mean, pool),
    );
  }

  /** Adds up to `available` rows from `row` on, as many as the batch may still take; gives how many it dealt with. */
  async add(from: Rows, row: number, available: number, first: RecordId): Promise<number> {
    const rows = Math.min(available, this.#size - this.#filled);
    try {
      await this.#write(from, row, rows, first);
    } catch (error) {
      if (!(error instanceof BadRow)) throw error;
      if (!this.#onBad) throw await this.#located(error);
      await this.#addOneByOne(from, row, rows, first);
    }
    return rows;
  }

  /** The batch if it is full; `end` is the position behind its last record. */
  take(end: number): Batch | undefined {
    if (this.#filled < this.#size) return undefined;
    this.#filled = 0;
    const tensors: Record<string, Tensor> = {};
    for (const top of this.#tops) tensors[top.name] = top.take();
    return { tensors, end };
  }

  async #write({ columns, failures }: Rows, row: number, rows: number, first: RecordId): Promise<void> {
    for (const [failed, why] of failures)
      if (failed >= row && failed < row + rows) throw new BadRow(failureError(why), recordAt(first, failed - row));
    for (const top of this.#tops) {
      const writing = top.write(columns, row, rows, this.#filled, first);
      if (writing) await writing;
    }
    this.#filled += rows;
  }

  async #addOneByOne(from: Rows, row: number, rows: number, first: RecordId): Promise<void> {
    for (let i = 0; i < rows; i++)
      try {
        await this.#write(from, row + i, 1, recordAt(first, i));
      } catch (error) {
        if (!(error instanceof BadRow)) throw error;
        this.#onBad!(await this.#located(error));
      }
  }

  /** The error with the record that it is about in front. */
  async #located({ error, record }: BadRow): Promise<NetrunError> {
    const where = await this.#source.locate(record.index, record.epoch);
    return new NetrunError(`${where}: ${error.message}`, { notes: error.notes, cause: error });
  }
}

type Columns = Readonly<Record<string, Column>>;

const recordAt = ({ epoch, index, ordinal }: RecordId, i: number): RecordId => ({
  epoch,
  index: index + i,
  ordinal: ordinal + i,
});

/** Writes the rows of one top; throws a BadRow where one does not fit. */
class TopWriter {
  readonly name: string;
  readonly #spec: RecordsSpec;
  readonly #field: string;
  readonly #isFirst: boolean;
  readonly #mean: Mean | undefined;
  readonly #transforms = new Map<string, Transform>();
  #shape: readonly number[] = [];
  #data: Float32Array = new Float32Array(0);
  readonly #pool: ArrayPool;

  constructor(
    spec: RecordsSpec,
    name: string,
    field: string,
    isFirst: boolean,
    mean: Mean | undefined,
    pool: ArrayPool,
  ) {
    this.#pool = pool;
    this.name = name;
    this.#spec = spec;
    this.#field = field;
    this.#isFirst = isFirst;
    this.#mean = isFirst ? mean : undefined;
  }

  write(columns: Columns, row: number, rows: number, to: number, first: RecordId): Promise<void> | undefined {
    const column = columns[this.#field]!;
    if (column.dtype === "image") return this.#writeImages(column, row, rows, to, first);
    this.#writeNumbers(column, row, rows, to, first);
    return undefined;
  }

  take(): Tensor {
    return { shape: [this.#spec.batchSize, ...this.#shape], data: this.#data };
  }

  #writeNumbers(column: NumberColumn, row: number, rows: number, to: number, first: RecordId): void {
    const transform = this.#transform(column.shape, column.dtype === "uint8", to, first);
    const n = count(column.shape);
    const step = count(transform.shape);
    for (let i = 0; i < rows; i++)
      transform.apply(column.values, (row + i) * n, this.#data, (to + i) * step, first.ordinal + i);
    if (column.dtype === "float32" || column.dtype === "float64") this.#refuseNaN(step, rows, to, first);
  }

  async #writeImages(column: ImageColumn, row: number, rows: number, to: number, first: RecordId): Promise<void> {
    const { colour, size } = this.#spec.images;
    const images = Array.from({ length: rows }, (_, i) => decodeImage(bytesIn(column, row + i), colour));
    // Only the first failure is reported; the others must not go unhandled.
    for (const image of images) if (image instanceof Promise) image.catch(() => {});
    for (let i = 0; i < rows; i++) {
      const record = recordAt(first, i);
      const decoded = await decodedOr(images[i]!, record);
      const image = size ? resizeImage(decoded, size.height, size.width) : decoded;
      const transform = this.#transform(image.shape, true, to + i, record);
      transform.apply(image.pixels, 0, this.#data, (to + i) * count(transform.shape), first.ordinal + i);
    }
  }

  /** The transform for rows of a shape, and room for a batch of them; the batch's first row decides its shape. */
  #transform(shape: readonly number[], bytes: boolean, to: number, record: RecordId): Transform {
    const key = `${shape} ${bytes}`;
    let transform = this.#transforms.get(key);
    if (!transform) {
      transform = this.#newTransform(shape, bytes, record);
      this.#transforms.set(key, transform);
    }
    if (to === 0) {
      this.#shape = transform.shape;
      this.#data = this.#pool.take(this.#spec.batchSize * count(transform.shape));
    } else if (transform.shape.join() !== this.#shape.join()) {
      const message = `a row of the shape [${transform.shape}] in a batch of the shape [${this.#shape}]`;
      const notes = ["give all records one size, crop_size, or a batch_size of 1"];
      throw new BadRow(new NetrunError(message, { notes }), record);
    }
    return transform;
  }

  #newTransform(shape: readonly number[], bytes: boolean, record: RecordId): Transform {
    const { phase, seed, shard, transform } = this.#spec;
    const context = { phase, seed, part: shard.index, mean: this.#mean, bytes };
    try {
      return transformer(this.#isFirst ? transform : IDENTITY, shape, context);
    } catch (error) {
      throw error instanceof NetrunError ? new BadRow(error, record) : error;
    }
  }

  #refuseNaN(step: number, rows: number, to: number, first: RecordId): void {
    for (let i = to * step; i < (to + rows) * step; i++)
      if (Number.isNaN(this.#data[i])) {
        const record = recordAt(first, Math.floor(i / step) - to);
        throw new BadRow(new NetrunError(`NaN in "${this.#field}"`), record);
      }
  }
}

async function decodedOr(image: Image | Promise<Image>, record: RecordId): Promise<Image> {
  try {
    return await image;
  } catch (error) {
    throw error instanceof NetrunError ? new BadRow(error, record) : error;
  }
}

function fieldFor(spec: RecordsSpec, source: DataSource, top: string, index: number): string {
  const names = Object.keys(source.fields);
  const byName = spec.match === "name" || (spec.match === "either" && spec.tops.every((each) => names.includes(each)));
  const field = byName ? names.find((name) => name === top) : names[index];
  if (field !== undefined) return field;
  throw new NetrunError(`no field for the top "${top}"`, {
    notes: [
      `the source has ${names.map((name) => `"${name}"`).join(", ")}`,
      ...Object.entries(source.unusable ?? {}).map(([name, why]) => `column "${name}" is no field: ${why}`),
    ],
  });
}
