import type { Buffers } from "../../buffers.js";
import type { Mean } from "../../caffe/mean.js";
import { NetrunError } from "../../error.js";
import type { LabelRanges } from "../../net/label-ranges.js";
import { BOXES } from "../source/boxes.js";
import { failureError } from "../source/failures.js";
import type { DataSource } from "../source/source.js";
import type { Tensor } from "../tensor.js";
import { BadRow, type RecordId, recordAt } from "./bad-row.js";
import type { ByteRows } from "./byte-rows.js";
import type { RecordsSpec } from "./feed-spec.js";
import { type Columns, TopWriter } from "./top-writer.js";

/** A finished batch and the absolute position behind its last record. */
export interface Batch {
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly end: number;
}

/** Rows of a source, and why some of them cannot be used. */
export interface Rows {
  readonly columns: Columns;
  readonly failures: ReadonlyMap<number, string>;
}

/** Maker of batches of rows. */
export interface RowsToBatches {
  /** Adds up to `available` rows from `row` on, as many as the batch may still take; gives how many it dealt with. */
  add(from: Rows, row: number, available: number, first: RecordId): Promise<number>;
  /** Checks rows without making a batch of them; images stay encoded. Throws a NetrunError that names the record. */
  check(from: Rows, rows: number, first: RecordId): Promise<void>;
  /** The batch if it is full; `end` is the position behind its last record. */
  take(end: number): Batch | undefined;
  /** Converter of the first top's rows to values, where the last ones were bytes. */
  readonly byteRows?: ByteRows | undefined;
  /** Shapes of batches of `batchSize` rows, as far as one of them tells. */
  shapes(batch: Batch, batchSize: number): Readonly<Record<string, readonly number[]>>;
}

/** Assembles batches row by row: decodes, transforms and writes each top's rows in place. */
export class BatchBuilder implements RowsToBatches {
  readonly #size: number;
  readonly #source: DataSource;
  readonly #onBad: ((error: NetrunError) => void) | undefined;
  readonly #tops: readonly TopWriter[];
  #filled = 0;

  /**
   * Batches are arrays of `buffers`. `onBad` gets the errors about rows that are then skipped; without it they are thrown.
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

  get byteRows(): ByteRows | undefined {
    return this.#tops[0]?.byteRows;
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
      notes: [fieldsOf(source), spec.unread ?? "change the layer's type, or leave the top out"],
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
