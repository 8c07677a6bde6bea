import type { RecordBatch } from "apache-arrow";
import { NetrunError } from "../../error.js";
import { count } from "../../graph/type.js";
import { bytesColumn, bytesIn, type Column, columnsOf, type NumberColumn, recordBatch } from "../columns.js";
import { decodeImage, type Image, type ImageDecoding } from "../image.js";
import { resizeImage } from "../resize.js";
import type { DataSource } from "../source.js";

type Labels = DataSource["labels"];

/** The rows of a record batch with these numbers, in this order. */
export function gather(batch: RecordBatch, rows: ArrayLike<number>, labels: Labels): RecordBatch {
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

/** Encoded images of record batches as pixels [channels, height, width]; a new record batch where their shape changes. */
export async function* decoded(
  batches: AsyncIterable<RecordBatch>,
  decoding: ImageDecoding,
  source: DataSource,
): AsyncGenerator<RecordBatch> {
  let first = 0;
  for await (const batch of batches) {
    const columns = columnsOf(batch);
    const image = Object.keys(columns).find((name) => columns[name]!.dtype === "image");
    if (image === undefined) yield batch;
    else {
      const images = await decodeColumn(columns[image]!, first, decoding, source);
      for (const [from, to] of runs(images)) {
        const rows = Array.from({ length: to - from }, (_, i) => from + i);
        const rest = Object.entries(columns).map(([name, column]) => [
          name,
          name === image ? pixelColumn(images.slice(from, to)) : gatherColumn(column, rows),
        ]);
        yield recordBatch(Object.fromEntries(rest), rows.length, source.labels);
      }
    }
    first += batch.numRows;
  }
}

function decodeColumn(
  column: Column,
  first: number,
  { colour, size }: ImageDecoding,
  source: DataSource,
): Promise<readonly Image[]> {
  const { bytes, offsets } = column as Extract<Column, { dtype: "image" }>;
  const one = async (row: number): Promise<Image> => {
    try {
      const image = await decodeImage(bytes.subarray(offsets[row], offsets[row + 1]), colour);
      return size ? resizeImage(image, size.height, size.width) : image;
    } catch (cause) {
      if (!(cause instanceof NetrunError)) throw cause;
      throw new NetrunError(`${await source.locate(first + row)}: ${cause.message}`, { notes: cause.notes, cause });
    }
  };
  return Promise.all(Array.from({ length: offsets.length - 1 }, (_, row) => one(row)));
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
