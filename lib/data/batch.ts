import { NetrunError } from "../error.js";
import { count } from "../graph/type.js";
import type { Column, ImageColumn, NumberColumn } from "./columns.js";
import type { RecordsSpec } from "./feed-spec.js";
import { type ColourMode, decodeImage, type Image } from "./image.js";
import type { Mean } from "./normalise.js";
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

/** Assembles batches row by row: decodes, transforms and writes each top's rows in place. */
export class BatchBuilder {
  readonly #size: number;
  readonly #tops: readonly TopWriter[];
  #filled = 0;

  constructor(spec: RecordsSpec, source: DataSource, mean: Mean | undefined) {
    this.#size = spec.batchSize;
    this.#tops = spec.tops.map((top, i) => new TopWriter(spec, source, top, i, mean));
  }

  /** Adds up to `available` rows from `row` on, as many as the batch still takes; gives how many those were. */
  async add(
    columns: Readonly<Record<string, Column>>,
    row: number,
    available: number,
    first: RecordId,
  ): Promise<number> {
    const rows = Math.min(available, this.#size - this.#filled);
    for (const top of this.#tops) {
      const writing = top.write(columns, row, rows, this.#filled, first);
      if (writing) await writing;
    }
    this.#filled += rows;
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
}

/** Writes the rows of one top. */
class TopWriter {
  readonly name: string;
  readonly #spec: RecordsSpec;
  readonly #source: DataSource;
  readonly #field: string;
  readonly #isFirst: boolean;
  readonly #mean: Mean | undefined;
  readonly #transforms = new Map<string, Transform>();
  #shape: readonly number[] = [];
  #data = new Float32Array(0);

  constructor(spec: RecordsSpec, source: DataSource, name: string, index: number, mean: Mean | undefined) {
    this.name = name;
    this.#spec = spec;
    this.#source = source;
    this.#field = fieldFor(spec, source, name, index);
    this.#isFirst = index === 0;
    this.#mean = this.#isFirst ? mean : undefined;
  }

  write(
    columns: Readonly<Record<string, Column>>,
    row: number,
    rows: number,
    to: number,
    first: RecordId,
  ): Promise<void> | undefined {
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
    const mode = colourMode(this.#spec);
    const images = Array.from({ length: rows }, (_, i) => {
      const bytes = column.bytes.subarray(column.offsets[row + i], column.offsets[row + i + 1]);
      return decodeImage(bytes, mode);
    });
    // Only the first failure is reported; the others must not go unhandled.
    for (const image of images) if (image instanceof Promise) image.catch(() => {});
    for (let i = 0; i < rows; i++) {
      const record = { ...first, index: first.index + i };
      const image = await this.#decoded(images[i]!, record);
      const transform = this.#transform(image.shape, true, to + i, record);
      transform.apply(image.pixels, 0, this.#data, (to + i) * count(transform.shape), first.ordinal + i);
    }
  }

  async #decoded(image: Image | Promise<Image>, record: RecordId): Promise<Image> {
    try {
      return await image;
    } catch (cause) {
      throw this.#located(cause, record);
    }
  }

  /** The transform for rows of a shape, and room for a batch of them; the batch's first row decides its shape. */
  #transform(shape: readonly number[], bytes: boolean, to: number, record: RecordId): Transform {
    const key = `${shape} ${bytes}`;
    let transform = this.#transforms.get(key);
    if (!transform) {
      try {
        transform = transformer(this.#isFirst ? this.#spec.transform : IDENTITY, shape, {
          ...this.#spec,
          part: this.#spec.shard.index,
          mean: this.#mean,
          bytes,
        });
      } catch (cause) {
        throw this.#located(cause, record);
      }
      this.#transforms.set(key, transform);
    }
    if (to === 0) {
      this.#shape = transform.shape;
      this.#data = new Float32Array(this.#spec.batchSize * count(transform.shape));
    } else if (transform.shape.join() !== this.#shape.join())
      throw this.#located(
        new NetrunError(`a row of the shape [${transform.shape}] in a batch of the shape [${this.#shape}]`, {
          notes: ["give all records one size, crop_size, or a batch_size of 1"],
        }),
        record,
      );
    return transform;
  }

  #refuseNaN(step: number, rows: number, to: number, first: RecordId): void {
    for (let i = to * step; i < (to + rows) * step; i++)
      if (Number.isNaN(this.#data[i])) {
        const record = { ...first, index: first.index + Math.floor(i / step) - to };
        throw this.#located(new NetrunError(`NaN in ${this.#field}`), record);
      }
  }

  /** The error with the record that it is about in front. */
  #located(error: unknown, record: RecordId): unknown {
    if (!(error instanceof NetrunError)) return error;
    const where = this.#source.locate(record.index, record.epoch);
    return new NetrunError(`${where}: ${error.message}`, { notes: error.notes, cause: error });
  }
}

function fieldFor(spec: RecordsSpec, source: DataSource, top: string, index: number): string {
  const names = Object.keys(source.fields);
  const byName = spec.match === "name" || (spec.match === "either" && spec.tops.every((each) => names.includes(each)));
  const field = byName ? names.find((name) => name === top) : names[index];
  if (field !== undefined) return field;
  throw new NetrunError(`no field for the top "${top}"`, {
    notes: [`the source has ${names.map((name) => `"${name}"`).join(", ")}`],
  });
}

function colourMode(spec: RecordsSpec): ColourMode {
  const { forceColor, forceGray } = spec.transform;
  if (forceColor && forceGray) throw new NetrunError("transform_param has both force_color and force_gray");
  return forceColor ? "color" : forceGray ? "gray" : "unchanged";
}
