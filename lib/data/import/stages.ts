import type { RecordBatch } from "apache-arrow";
import { NetrunError } from "../../error.js";
import { count } from "../../graph/type.js";
import { imagesAhead } from "../image/ahead.js";
import { decodeImage, type Image, type ImageDecoding } from "../image/image.js";
import { resizeImage } from "../image/resize.js";
import { BOXES } from "../source/boxes.js";
import {
  bytesColumn,
  bytesIn,
  type Column,
  columnsOf,
  type ImageColumn,
  type NumberColumn,
  notesOf,
  recordBatch,
} from "../source/columns.js";
import { failureError } from "../source/failures.js";
import { type DataSource, WHOLE } from "../source/source.js";

type Labels = DataSource["labels"];

/** The rows of a record batch with these numbers, in this order. */
export function gatherRows(batch: RecordBatch, rows: ArrayLike<number>, labels: Labels): RecordBatch {
  const columns = Object.entries(columnsOf(batch)).map(([name, column]) => [name, gatherColumn(column, rows)]);
  return recordBatch(Object.fromEntries(columns), rows.length, labels);
}

function gatherColumn(column: Column, rows: ArrayLike<number>): Column {
  if (column.dtype === "image") return bytesColumn(rows.length, (i) => bytesIn(column, rows[i]!));
  const n = count(column.shape);
  const values = column.values.slice(0, 0).constructor as new (length: number) => NumberColumn["values"];
  const gathered = new values(rows.length * n);
  Array.from(rows).forEach((row, i) => {
    gathered.set(column.values.subarray(row * n, (row + 1) * n), i * n);
  });
  return { ...column, values: gathered };
}

/** Record batches of one and the same shape as one. */
export function concatenate(batches: readonly RecordBatch[], labels: Labels): RecordBatch {
  const rows = batches.reduce((sum, { numRows }) => sum + numRows, 0);
  const all = batches.map((batch) => columnsOf(batch));
  const columns = Object.keys(all[0]!).map((name) => [name, concatenateColumns(all.map((each) => each[name]!))]);
  return recordBatch(Object.fromEntries(columns), rows, labels);
}

function concatenateColumns(columns: readonly Column[]): Column {
  const first = columns[0]!;
  if (first.dtype === "image") {
    const all = columns.flatMap((column) => {
      const images = column as typeof first;
      return Array.from({ length: images.offsets.length - 1 }, (_, i) => bytesIn(images, i));
    });
    return bytesColumn(all.length, (i) => all[i]!);
  }
  const parts = (columns as readonly NumberColumn[]).map(({ values }) => values);
  const make = first.values.constructor as new (length: number) => NumberColumn["values"];
  const values = new make(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    values.set(part, at);
    at += part.length;
  }
  return { ...first, values };
}

/** Policy for a row that cannot be used: its error is thrown, or noted. */
export type OnBadRow = (error: NetrunError) => void;

/** A record batch of sound rows, and the numbers that these have in the source. */
export interface NumberedRows {
  readonly batch: RecordBatch;
  readonly numbers: readonly number[];
}

/** The rows of a source without those that it notes as failed, which `onBad` hears of, and without notes. */
export async function* sound(source: DataSource, onBad: OnBadRow): AsyncGenerator<NumberedRows> {
  let first = 0;
  for await (const batch of source.batches(WHOLE)) {
    const { failures } = notesOf(batch);
    for (const [row, why] of failures) onBad(failureError(`${await source.locate(first + row)}: ${why}`));
    const rows = Array.from({ length: batch.numRows }, (_, row) => row).filter((row) => !failures.has(row));
    const start = first;
    first += batch.numRows;
    if (rows.length === 0) continue;
    const whole = failures.size === 0 ? recordBatch(columnsOf(batch), batch.numRows, source.labels) : undefined;
    yield { batch: whole ?? gatherRows(batch, rows, source.labels), numbers: rows.map((row) => start + row) };
  }
}

/**
 * Encoded images of record batches as pixels [channels, height, width]; a new record batch where their shape changes. `onBad` hears of
 * those that do not decode.
 */
export async function* decoded(
  parts: AsyncIterable<NumberedRows>,
  decoding: ImageDecoding,
  source: DataSource,
  onBad: OnBadRow,
): AsyncGenerator<RecordBatch> {
  for await (const { batch, numbers } of parts) {
    const columns = columnsOf(batch);
    const name = Object.keys(columns).find((key) => columns[key]!.dtype === "image" && key !== BOXES);
    if (name === undefined) {
      yield batch;
      continue;
    }
    const images: Image[] = [];
    const rows: number[] = [];
    const results = await decodeAll(columns[name] as ImageColumn, decoding);
    for (const [row, image] of results.entries())
      if (image instanceof NetrunError) {
        const where = await source.locate(numbers[row]!);
        onBad(new NetrunError(`${where}: ${image.message}`, { notes: image.notes, cause: image }));
      } else {
        images.push(image);
        rows.push(row);
      }
    for (const [from, to] of runs(images)) {
      const rest = Object.entries(columns).map(([key, column]) => [
        key,
        key === name ? pixelColumn(images.slice(from, to)) : gatherColumn(column, rows.slice(from, to)),
      ]);
      yield recordBatch(Object.fromEntries(rest), to - from, source.labels);
    }
  }
}

async function decodeAll(
  column: ImageColumn,
  { colour, size }: ImageDecoding,
): Promise<readonly (Image | NetrunError)[]> {
  const rows = column.offsets.length - 1;
  const next = imagesAhead(rows, (row) => decodeImage(bytesIn(column, row), colour));
  const images: (Image | NetrunError)[] = [];
  while (images.length < rows)
    try {
      const image = await next();
      images.push(size ? resizeImage(image, size.height, size.width) : image);
    } catch (error) {
      if (!(error instanceof NetrunError)) throw error;
      images.push(error);
    }
  return images;
}

/** The stretches [from, to) of images of one shape. */
function* runs(images: readonly Image[]): Generator<readonly [number, number]> {
  let from = 0;
  for (let to = 1; to <= images.length; to++)
    if (to === images.length || images[to]!.shape.join() !== images[from]!.shape.join()) {
      yield [from, to];
      from = to;
    }
}

function pixelColumn(images: readonly Image[]): Column {
  const { shape } = images[0]!;
  const n = count(shape);
  const values = new Uint8Array(images.length * n);
  images.forEach(({ pixels }, i) => {
    values.set(pixels, i * n);
  });
  return { dtype: "uint8", shape, values };
}
