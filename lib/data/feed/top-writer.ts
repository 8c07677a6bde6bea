import type { Buffers } from "../../buffers.js";
import type { Mean } from "../../caffe/mean.js";
import { NetrunError } from "../../error.js";
import { count, sameShape } from "../../graph/type.js";
import { type LabelRange, labelProblem } from "../../net/label-ranges.js";
import { imagesAhead } from "../image/ahead.js";
import { decodeIndices } from "../image/indices.js";
import { decodeImage } from "../image/image.js";
import { padImage } from "../image/pad.js";
import { nearestImage, resizeImage } from "../image/resize.js";
import { bytesIn, type Column, type ImageColumn, type NumberColumn } from "../source/columns.js";
import type { Tensor } from "../tensor.js";
import { BadRow, decodedOr, type RecordId, recordAt } from "./bad-row.js";
import { type ByteRows, floatsOf, PLACE, partsOf, valuesOf } from "./byte-rows.js";
import type { RecordsSpec } from "./feed-spec.js";
import { IDENTITY, type Transform, transformer } from "./transform.js";

/** Rows of a source by field. */
export type Columns = Readonly<Record<string, Column>>;

/** A top, the field of the source that goes to it, and what is done and asked on the way. */
interface TopSpec {
  readonly spec: RecordsSpec;
  readonly name: string;
  readonly field: string;
  readonly isFirst: boolean;
  /** True if the field was texts, which are their indices now. */
  readonly isText: boolean;
  readonly mean: Mean | undefined;
  readonly buffers: Buffers;
  readonly ranges: readonly LabelRange[];
}

/** Writes the rows of one top; throws a BadRow where one does not fit. */
export class TopWriter {
  readonly name: string;
  readonly #top: TopSpec;
  readonly #transforms = new Map<string, Transform>();
  #shape: readonly number[] = [];
  #data: Float32Array = new Float32Array(0);
  /** The rows before their transform, where the last ones were bytes. */
  #bytes: readonly number[] | undefined;
  /** True if the batch under way holds bytes of that shape. */
  #holdsBytes = false;

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

  get byteRows(): ByteRows | undefined {
    const { name, spec, mean } = this.#top;
    return this.#bytes && { top: name, shape: this.#bytes, transform: spec.transform, mean };
  }

  take(): Tensor {
    const shape = [this.#top.spec.batchSize, ...this.#shape];
    return { shape, data: this.#data, ...(this.#holdsBytes && { holdsBytes: true }) };
  }

  #writeNumbers(column: NumberColumn, row: number, rows: number, to: number, first: RecordId): void {
    const transform = this.#begin(column.shape, column, to, first);
    const n = count(column.shape);
    const step = count(transform.shape);
    if (this.#holdsBytes) {
      for (let i = 0; i < rows; i++)
        this.#writeBytes(column.values as Uint8Array, (row + i) * n, n, to + i, transform, first.ordinal + i);
      return;
    }
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
    const { spec, isFirst } = this.#top;
    const maps = isFirst ? undefined : spec.maps;
    const { size } = maps ?? spec.images;
    const colour = maps ? "gray" : spec.images.colour;
    const resized = maps && maps.values !== "edges" ? nearestImage : resizeImage;
    const decode = maps?.values === "indices" ? decodeIndices : decodeImage;
    const label = spec.maps?.padding;
    const padding = label === undefined ? undefined : maps ? [label] : spec.transform.meanValues;
    const ahead = imagesAhead(rows, (i) => decode(bytesIn(column, row + i), colour));
    for (let i = 0; i < rows; i++) {
      const record = recordAt(first, i);
      const decoded = await decodedOr(ahead, record);
      const image = size ? resized(decoded, size.height, size.width) : decoded;
      if (maps?.values === "edges")
        for (const [k, value] of image.pixels.entries()) image.pixels[k] = value > 127 ? 1 : 0;
      const { shape, pixels } = padding ? padImage(image, spec.transform.cropSize, padding) : image;
      const transform = this.#begin(shape, IMAGE, to + i, record);
      if (this.#holdsBytes) this.#writeBytes(pixels, 0, pixels.length, to + i, transform, first.ordinal + i);
      else transform.apply(pixels, 0, this.#data, (to + i) * count(transform.shape), first.ordinal + i);
    }
  }

  /** Writes a row of n bytes as they are, and where it is to be cropped and mirrored. */
  #writeBytes(values: Uint8Array, at: number, n: number, to: number, transform: Transform, ordinal: number): void {
    const { places, pixels } = partsOf(this.#data, this.#top.spec.batchSize, n);
    const { top, left, mirror } = transform.choose(ordinal);
    places.set([top, left, mirror ? 1 : 0], PLACE * to);
    pixels.set(values.subarray(at, at + n), to * n);
  }

  /** The transform for rows of a shape, and room for a batch of them; the batch's first row decides its shape. */
  #begin(shape: readonly number[], column: Pick<NumberColumn, "dtype">, to: number, record: RecordId): Transform {
    const transform = this.#transform(shape, column, record);
    const { spec, buffers, isFirst } = this.#top;
    if (to === 0) {
      this.#shape = transform.shape;
      const isBytes = isFirst && column.dtype === "uint8" && !this.#top.isText && this.#top.ranges.length === 0;
      this.#bytes = isBytes ? transform.takes : undefined;
      this.#holdsBytes = spec.asBytes !== undefined && sameShape(spec.asBytes, this.#bytes ?? []);
      const floats = this.#holdsBytes
        ? floatsOf(spec.batchSize, count(transform.takes))
        : spec.batchSize * count(transform.shape);
      this.#data = buffers.take(floats);
    } else if (!sameShape(transform.shape, this.#shape)) throw otherShape(transform.shape, this.#shape, record);
    else if (this.#holdsBytes && !sameShape(transform.takes, spec.asBytes!)) this.#giveUpBytes(to);
    return transform;
  }

  /** Goes on with values: rows of a batch have one size before the crop, or are no bytes. */
  #giveUpBytes(rows: number): void {
    const { spec, buffers } = this.#top;
    const batch = { shape: [spec.batchSize, ...this.#shape], data: this.#data };
    const values = valuesOf(this.byteRows!, batch, rows).data;
    buffers.give([this.#data]);
    this.#data = values;
    this.#holdsBytes = false;
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
    const { mirror, cropSize } = transform;
    const own = isFirst ? transform : spec.maps ? { ...IDENTITY, mirror, cropSize } : IDENTITY;
    let made: Transform;
    try {
      made = transformer(own, wanted && isReshape(shape, wanted) ? wanted : shape, context);
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
  const notes = ["give all rows one size, set crop_size, or use a batch_size of 1"];
  return new BadRow(new NetrunError(message, { notes }), record);
}

/** Tests whether a row of one shape is one of another by its values alone: a flat list, or axes of one entry more or less. */
function isReshape(from: readonly number[], to: readonly number[]): boolean {
  const real = (shape: readonly number[]) => shape.filter((dim) => dim !== 1);
  if (count(from) !== count(to)) return false;
  return from.length <= 1 || to.length <= 1 || sameShape(real(from), real(to));
}
