import type { Buffers } from "../../buffers.js";
import type { Mean } from "../../caffe/mean.js";
import { NetrunError } from "../../error.js";
import { count, sameShape } from "../../graph/type.js";
import { type LabelRange, type LabelRanges, labelProblem } from "../../net/label-ranges.js";
import { imagesAhead } from "../image/ahead.js";
import { decodeImage, type Image } from "../image/image.js";
import { resizeImage } from "../image/resize.js";
import { BOXES } from "../source/boxes.js";
import { bytesIn, type Column, type ImageColumn, type NumberColumn } from "../source/columns.js";
import { failureError } from "../source/failures.js";
import type { DataSource } from "../source/source.js";
import type { Tensor } from "../tensor.js";
import type { RecordsSpec } from "./feed-spec.js";
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

/** What makes batches of rows. */
export interface RowsToBatches {
  /** Adds up to `available` rows from `row` on, as many as the batch may still take; gives how many it dealt with. */
  add(from: Rows, row: number, available: number, first: RecordId): Promise<number>;
  /** Checks rows without making a batch of them; images stay encoded. Throws a NetrunError that names the record. */
  check(from: Rows, rows: number, first: RecordId): Promise<void>;
  /** The batch if it is full; `end` is the position behind its last record. */
  take(end: number): Batch | undefined;
  /** Shapes of batches of `batchSize` rows, as far as one of them tells. */
  shapes(batch: Batch, batchSize: number): Readonly<Record<string, readonly number[]>>;
}

/** An error about one row, on its way to be given a name. */
export class BadRow {
  constructor(
    readonly error: NetrunError,
    readonly record: RecordId,
  ) {}
}

/** Assembles batches row by row: decodes, transforms and writes each top's rows in place. */
export class BatchBuilder implements RowsToBatches {
  readonly #size: number;
  readonly #source: DataSource;
  readonly #onBad: ((error: NetrunError) => void) | undefined;
  readonly #tops: readonly TopWriter[];
  #filled = 0;

  /**
   * Batches are arrays of `buffers`. `onBad` gets the errors about rows that are then left out; without it they are thrown.
   */
  constructor(
    spec: RecordsSpec,
    source: DataSource,
    mean: Mean | undefined,
    buffers: Buffers,
    onBad: ((error: NetrunError) => void) | undefined,
    ranges: LabelRanges,
  ) {
    this.#size = spec.batchSize;
    this.#source = source;
    this.#onBad = onBad;
    this.#tops = spec.tops.map((top, i) => {
      const field = fieldFor(spec, source, top, i);
      return new TopWriter({
        spec,
        name: top,
        field,
        isText: source.labels?.[field] !== undefined,
        isFirst: i === 0,
        mean,
        buffers,
        // Rows of several numbers come with boxes, which have a builder of their own.
        ranges: (ranges[top] ?? []).filter(({ column }) => column === undefined),
      });
    });
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

  /** Checks rows without making a batch of them; images stay encoded. Throws a NetrunError that names the record. */
  async check({ columns, failures }: Rows, rows: number, first: RecordId): Promise<void> {
    try {
      for (const [failed, why] of failures) throw new BadRow(failureError(why), recordAt(first, failed));
      for (const top of this.#tops) top.check(columns, rows, first);
    } catch (error) {
      throw error instanceof BadRow ? await this.#located(error) : error;
    }
  }

  /** The batch if it is full; `end` is the position behind its last record. */
  take(end: number): Batch | undefined {
    if (this.#filled < this.#size) return undefined;
    this.#filled = 0;
    const tensors: Record<string, Tensor> = {};
    for (const top of this.#tops) tensors[top.name] = top.take();
    return { tensors, end };
  }

  shapes({ tensors }: Batch, batchSize: number): Readonly<Record<string, readonly number[]>> {
    return Object.fromEntries(
      Object.entries(tensors).map(([top, { shape }]) => [top, [batchSize, ...shape.slice(1)]] as const),
    );
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

export const recordAt = ({ epoch, index, ordinal }: RecordId, i: number): RecordId => ({
  epoch,
  index: index + i,
  ordinal: ordinal + i,
});

/** A top, the field of the source that goes to it, and what is done and asked on the way. */
interface TopSpec {
  readonly spec: RecordsSpec;
  readonly name: string;
  readonly field: string;
  readonly isFirst: boolean;
  /** Whether the field was texts, which are their indices now. */
  readonly isText: boolean;
  readonly mean: Mean | undefined;
  readonly buffers: Buffers;
  readonly ranges: readonly LabelRange[];
}

/** Writes the rows of one top; throws a BadRow where one does not fit. */
class TopWriter {
  readonly name: string;
  readonly #top: TopSpec;
  readonly #transforms = new Map<string, Transform>();
  #shape: readonly number[] = [];
  #data: Float32Array = new Float32Array(0);

  constructor(top: TopSpec) {
    this.name = top.name;
    this.#top = top;
  }

  write(columns: Columns, row: number, rows: number, to: number, first: RecordId): Promise<void> | undefined {
    const column = columns[this.#top.field]!;
    if (column.dtype === "image") return this.#writeImages(column, row, rows, to, first);
    this.#writeNumbers(column, row, rows, to, first);
    return undefined;
  }

  take(): Tensor {
    return { shape: [this.#top.spec.batchSize, ...this.#shape], data: this.#data };
  }

  #writeNumbers(column: NumberColumn, row: number, rows: number, to: number, first: RecordId): void {
    const transform = this.#begin(column.shape, column, to, first);
    const n = count(column.shape);
    const step = count(transform.shape);
    if (transform.applyAll) transform.applyAll(column.values, row * n, this.#data, to * step, rows);
    else
      for (let i = 0; i < rows; i++)
        transform.apply(column.values, (row + i) * n, this.#data, (to + i) * step, first.ordinal + i);
    this.#refuseValues(column, this.#data, to * step, rows, step, first);
  }

  /** Checks rows without writing them. */
  check(columns: Columns, rows: number, first: RecordId): void {
    const column = columns[this.#top.field]!;
    if (column.dtype === "image" || rows === 0) return;
    const { shape } = this.#transform(column.shape, column, first);
    const { batchSize } = this.#top.spec;
    const isInside = first.ordinal % batchSize !== 0;
    if (isInside && !sameShape(shape, this.#shape)) throw otherShape(shape, this.#shape, first);
    this.#shape = shape;
    this.#refuseValues(column, column.values, 0, rows, count(column.shape), first);
  }

  async #writeImages(column: ImageColumn, row: number, rows: number, to: number, first: RecordId): Promise<void> {
    const { colour, size } = this.#top.spec.images;
    const ahead = imagesAhead(rows, (i) => decodeImage(bytesIn(column, row + i), colour));
    for (let i = 0; i < rows; i++) {
      const record = recordAt(first, i);
      const decoded = await decodedOr(ahead, record);
      const image = size ? resizeImage(decoded, size.height, size.width) : decoded;
      const transform = this.#begin(image.shape, IMAGE, to + i, record);
      transform.apply(image.pixels, 0, this.#data, (to + i) * count(transform.shape), first.ordinal + i);
    }
  }

  /** The transform for rows of a shape, and room for a batch of them; the batch's first row decides its shape. */
  #begin(shape: readonly number[], column: Pick<NumberColumn, "dtype">, to: number, record: RecordId): Transform {
    const transform = this.#transform(shape, column, record);
    if (to === 0) {
      const { spec, buffers } = this.#top;
      this.#shape = transform.shape;
      this.#data = buffers.take(spec.batchSize * count(transform.shape));
    } else if (!sameShape(transform.shape, this.#shape)) throw otherShape(transform.shape, this.#shape, record);
    return transform;
  }

  #transform(shape: readonly number[], column: Pick<NumberColumn, "dtype">, record: RecordId): Transform {
    const key = `${shape} ${column.dtype}`;
    let transform = this.#transforms.get(key);
    if (!transform) {
      transform = this.#newTransform(shape, column, record);
      this.#transforms.set(key, transform);
    }
    return transform;
  }

  #newTransform(shape: readonly number[], { dtype }: Pick<NumberColumn, "dtype">, record: RecordId): Transform {
    const { name, field, isFirst, isText, spec } = this.#top;
    const { phase, seed, shard, transform } = spec;
    const wanted = spec.wanted?.[name];
    const context = {
      phase,
      seed,
      part: shard.index,
      mean: isFirst ? this.#top.mean : undefined,
      bytes: dtype === "uint8",
    };
    let made: Transform;
    try {
      made = transformer(isFirst ? transform : IDENTITY, wanted && isReshape(shape, wanted) ? wanted : shape, context);
    } catch (error) {
      throw error instanceof NetrunError ? new BadRow(error, record) : error;
    }
    if (!wanted || sameShape(made.shape, wanted)) return made;
    const held = isText ? "texts, which are indices of labels," : dtype;
    const message = `column "${field}" holds ${held} [${made.shape}], and the blob "${name}" wants rows of [${wanted}]`;
    const notes =
      made.shape.length === 3 ? ["--crop-size cuts images, and netrun import --resize makes them one size"] : [];
    throw new BadRow(new NetrunError(message, { notes }), record);
  }

  /** Refuses NaN and infinities among `rows` rows of `step` values from `at` on, and labels out of range. */
  #refuseValues(
    column: NumberColumn,
    values: ArrayLike<number>,
    at: number,
    rows: number,
    step: number,
    first: RecordId,
  ): void {
    const { field, ranges } = this.#top;
    const bad = (i: number, message: string) =>
      new BadRow(new NetrunError(message), recordAt(first, Math.floor((i - at) / step)));
    const end = at + rows * step;
    if (column.dtype === "float32" || column.dtype === "float64")
      for (let i = at; i < end; i++) if (!Number.isFinite(values[i])) throw bad(i, `${values[i]} in "${field}"`);
    if (ranges.length > 0)
      for (let i = at; i < end; i++) {
        const problem = labelProblem(values[i]!, ranges);
        if (problem !== undefined) throw bad(i, `"${field}": the label ${problem}`);
      }
  }
}

const IMAGE = { dtype: "uint8" } as const;

function otherShape(shape: readonly number[], first: readonly number[], record: RecordId): BadRow {
  const message = `a row of the shape [${shape}] in a batch of the shape [${first}]`;
  const notes = ["give all records one size, crop_size, or a batch_size of 1"];
  return new BadRow(new NetrunError(message, { notes }), record);
}

/** Whether a row of one shape is one of another by its values alone: a flat list, or axes of one entry more or less. */
function isReshape(from: readonly number[], to: readonly number[]): boolean {
  const real = (shape: readonly number[]) => shape.filter((dim) => dim !== 1);
  if (count(from) !== count(to)) return false;
  return from.length <= 1 || to.length <= 1 || sameShape(real(from), real(to));
}

/** The next image; where it does not decode, the row is bad. */
export async function decodedOr(next: () => Image | Promise<Image>, record: RecordId): Promise<Image> {
  try {
    return await next();
  } catch (error) {
    throw error instanceof NetrunError ? new BadRow(error, record) : error;
  }
}

/** The field of a top: of its name, or else in order among the fields and tops that have no partner by name. */
function fieldFor(spec: RecordsSpec, source: DataSource, top: string, index: number): string {
  const names = Object.keys(source.fields);
  const wanted = spec.wanted?.[top];
  const wish = wanted ? `, and the blob "${top}" wants rows of [${wanted}]` : "";
  const unusable = source.unusable?.[top];
  if (spec.match !== "position" && unusable !== undefined)
    throw new NetrunError(`column "${top}" is no field: ${unusable}${wish}`, { notes: [fieldsOf(source)] });
  const field = spec.match === "position" ? names[index] : names.includes(top) ? top : inOrder(spec, names, top);
  if (field === BOXES)
    throw new NetrunError(`the top "${top}" would get boxes, which AnnotatedData layers take`, {
      notes: [fieldsOf(source), "change the layer's type, or leave the top out"],
    });
  if (field !== undefined) return field;
  throw new NetrunError(`no field for the top "${top}"${wanted ? `, which wants rows of [${wanted}]` : ""}`, {
    notes: [
      fieldsOf(source),
      ...Object.entries(source.unusable ?? {}).map(([name, why]) => `column "${name}" is no field: ${why}`),
    ],
  });
}

function inOrder({ match, tops }: RecordsSpec, names: readonly string[], top: string): string | undefined {
  if (match === "name") return undefined;
  const free = names.filter((name) => !tops.includes(name));
  return free[tops.filter((each) => !names.includes(each)).indexOf(top)];
}

const fieldsOf = ({ fields }: DataSource): string =>
  `the source has ${
    Object.keys(fields)
      .map((name) => `"${name}"`)
      .join(", ") || "no fields"
  }`;
