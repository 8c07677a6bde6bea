import type { RecordBatch } from "apache-arrow";
import { Buffers } from "../../buffers.js";
import type { Mean } from "../../caffe/mean.js";
import { NetrunError } from "../../error.js";
import type { LabelRanges } from "../../net/label-ranges.js";
import { BOXES } from "../source/boxes.js";
import { columnsOf, notesOf } from "../source/columns.js";
import { knownFailure } from "../source/failures.js";
import { type DataSource, shardRange } from "../source/source.js";
import type { Tensor } from "../tensor.js";
import { AnnotatedBuilder } from "./annotated/builder.js";
import { RegionsBuilder } from "./annotated/regions.js";
import type { ByteRows } from "./byte-rows.js";
import { type Batch, BatchBuilder, type Rows, type RowsToBatches } from "./batch.js";
import type { Feed, RecordsSpec } from "./feed-spec.js";
import { Prefetch } from "./prefetch.js";
import { Skipped } from "./skipped.js";

/** Free arrays of each length: more are never on their way at once. */
const MOST_FREE = 8;

/** A feed of a source's records, without end. */
export class RecordsFeed implements Feed {
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  #spec: RecordsSpec;
  readonly #source: DataSource;
  readonly #mean: Mean | undefined;
  readonly #prefetch: number;
  /** Conversion of rows to values, where they are bytes. */
  readonly #byteRows: ByteRows | undefined;
  readonly #buffers = new Buffers(MOST_FREE);
  #queue: Prefetch<Batch> | undefined;
  #position = 0;
  #ranges: LabelRanges = {};
  readonly #skipped = new Skipped();

  private constructor(
    spec: RecordsSpec,
    source: DataSource,
    mean: Mean | undefined,
    prefetch: number,
    shapes: Feed["shapes"],
    byteRows: ByteRows | undefined,
  ) {
    this.#spec = spec;
    this.#source = source;
    this.#mean = mean;
    this.#prefetch = prefetch;
    this.shapes = shapes;
    this.#byteRows = byteRows;
  }

  /** Checks that the source fits the spec, reading its first record; takes over the source. */
  static async open(
    spec: RecordsSpec,
    source: DataSource,
    mean: Mean | undefined,
    prefetch: number,
  ): Promise<RecordsFeed> {
    try {
      checkSource(spec, source);
      const one = { ...spec, batchSize: 1, asBytes: undefined };
      const buffers = new Buffers(MOST_FREE);
      let made = newBuilder(one, source, mean, buffers, undefined, {});
      const builder = (note: OnBad | undefined) => {
        made = newBuilder(one, source, mean, buffers, note, {});
        return made;
      };
      const iterator = batches(one, source, builder, 0, spec.onBadRecord === "skip" ? () => {} : undefined);
      const first = await iterator.next();
      await iterator.return();
      const shapes = made.shapes(first.value as Batch, spec.batchSize);
      return new RecordsFeed(spec, source, mean, prefetch, shapes, made.byteRows);
    } catch (error) {
      await source[Symbol.asyncDispose]();
      throw error;
    }
  }

  get length(): number {
    return this.#source.length;
  }

  get position(): number {
    return this.#position;
  }

  get skipped(): Feed["skipped"] {
    return this.#skipped.state;
  }

  async next(): Promise<Readonly<Record<string, Tensor>>> {
    // Not before the first batch is wanted: feeds are also opened for their shapes alone.
    this.#queue ??= this.#start(this.#position);
    const batch = await this.#queue.next();
    this.#position = batch.end;
    return batch.tensors;
  }

  sendBytes(): ByteRows | undefined {
    if (this.#byteRows) this.#spec = { ...this.#spec, asBytes: this.#byteRows.shape };
    return this.#byteRows;
  }

  restrict(ranges: LabelRanges): void {
    this.#ranges = ranges;
  }

  async check(): Promise<void> {
    if (this.#spec.onBadRecord === "skip") return;
    const { shard } = this.#spec;
    const { start } = shardRange(shard, this.#source.length);
    let index = start;
    let bytes = CHECKED_BYTES;
    const builder = newBuilder(this.#spec, this.#source, this.#mean, this.#buffers, undefined, this.#ranges);
    for await (const rows of this.#source.batches(shard)) {
      await builder.check(rowsOf(rows), rows.numRows, { epoch: 0, index, ordinal: index - start });
      index += rows.numRows;
      bytes -= rows.data.byteLength;
      if (bytes <= 0) return;
    }
  }

  recycle(batch: Readonly<Record<string, Tensor>>): void {
    for (const { data } of Object.values(batch)) this.#buffers.give([data]);
  }

  async seek(position: number): Promise<void> {
    await this.#queue?.close();
    this.#queue = undefined;
    this.#position = position;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#queue?.close();
    await this.#source[Symbol.asyncDispose]();
  }

  #start(position: number): Prefetch<Batch> {
    const onBad = this.#spec.onBadRecord === "skip" ? (error: NetrunError) => this.#skipped.add(error) : undefined;
    const builder = (note: OnBad | undefined) =>
      newBuilder(this.#spec, this.#source, this.#mean, this.#buffers, note, this.#ranges);
    return new Prefetch(batches(this.#spec, this.#source, builder, position, onBad), this.#prefetch);
  }
}

function newBuilder(
  spec: RecordsSpec,
  source: DataSource,
  mean: Mean | undefined,
  buffers: Buffers,
  onBad: OnBad | undefined,
  ranges: LabelRanges,
): RowsToBatches {
  const { annotations, regions } = spec;
  if (regions && source.fields[BOXES]) return new RegionsBuilder({ ...spec, regions }, source, buffers, onBad);
  return annotations
    ? new AnnotatedBuilder({ ...spec, annotations }, source, mean, buffers, onBad, ranges)
    : new BatchBuilder(spec, source, mean, buffers, onBad, ranges);
}

/** Part of a source checked before the first batch. */
const CHECKED_BYTES = 64 * 2 ** 20;

type OnBad = (error: NetrunError) => void;

const rowsOf = (batch: RecordBatch): Rows => ({ columns: columnsOf(batch), failures: notesOf(batch).failures });

function checkSource(spec: RecordsSpec, source: DataSource): void {
  if (source.failures && spec.onBadRecord === "fail") throw knownFailure(source.failures);
  const { start, end } = shardRange(spec.shard, source.length);
  if (spec.shard.count > 1 && end - start < spec.batchSize)
    throw new NetrunError(
      `part ${spec.shard.index} of ${spec.shard.count} has ${end - start} records, fewer than one batch of ${spec.batchSize}`,
      { notes: ["use fewer workers or a smaller batch_size"] },
    );
}

/** The endless stream of batches from an absolute position. */
async function* batches(
  spec: RecordsSpec,
  source: DataSource,
  builderWith: (onBad: OnBad | undefined) => RowsToBatches,
  position: number,
  onBad: OnBad | undefined,
): AsyncGenerator<Batch, void> {
  const range = shardRange(spec.shard, source.length);
  const length = range.end - range.start;
  let bad = 0;
  const note = (error: NetrunError): void => {
    // A whole epoch of bad records would otherwise go round for ever.
    if (++bad >= length) throw new NetrunError(`none of ${length} rows can be used`, { notes: [error.message] });
    onBad!(error);
  };
  const builder = builderWith(onBad && note);
  const others = ((spec.every ?? 1) - 1) * spec.batchSize;
  const { skip, offset = 0 } = spec;
  for (let at = position + skip + offset; ; ) {
    const epoch = Math.floor(at / length);
    // Rows that other readers take. They are read over: where a shuffle or a row group is read as a whole, coming back costs more.
    let over = 0;
    for await (const rows of source.batches(spec.shard, at % length, epoch)) {
      const from = rowsOf(rows);
      let row = Math.min(over, rows.numRows);
      over -= row;
      while (row < rows.numRows) {
        const record = { epoch, index: range.start + (at % length), ordinal: at - skip };
        const used = await builder.add(from, row, rows.numRows - row, record);
        row += used;
        at += used;
        const batch = builder.take(at - skip - offset + others);
        if (!batch) continue;
        bad = 0;
        yield batch;
        at += others;
        const passed = Math.min(others, rows.numRows - row);
        row += passed;
        over = others - passed;
      }
    }
  }
}
