import { existsSync } from "node:fs";
import { join } from "node:path";
import type { RecordBatch } from "apache-arrow";
import { cacheFolder } from "../../cache.js";
import { arrowSource } from "../arrow/source.js";
import { writeArrow } from "../arrow/write.js";
import { BOXES, packBoxes } from "../boxes.js";
import { bytesColumn, recordBatch } from "../columns.js";
import type { DataSource } from "../source.js";
import { drawShapes, SHAPES_SIZE } from "./draw.js";

/** The parts of the embedded data set: which images of the series each one is. */
export const SHAPE_PARTS = {
  train: { first: 0, length: 4000 },
  test: { first: 4000, length: 500 },
} as const;

export type ShapePart = keyof typeof SHAPE_PARTS;

/** Changes with every change of the drawing: cached files of another version are not these images. */
const VERSION = 1;
const SEED = 2;
const ROWS_PER_BATCH = 20;

/**
 * The embedded data set for detection: colour images of 64 x 64 with one to three shapes on noise and their boxes, 4,000 to train
 * and 500 held out; a prototxt names them `netrun:shapes/train` and `netrun:shapes/test`. Drawn once, then kept in `folder`.
 */
export async function shapesSource(part: ShapePart, folder: string = cacheFolder()): Promise<DataSource> {
  const path = join(folder, `shapes-${part}-v${VERSION}.arrow`);
  if (!existsSync(path)) await writeArrow(path, drawPart(part));
  return arrowSource(path);
}

/** The images of a part as record batches with the fields data [3, 64, 64] and boxes. */
export function* drawPart(part: ShapePart): Generator<RecordBatch> {
  const { first, length } = SHAPE_PARTS[part];
  const size = 3 * SHAPES_SIZE * SHAPES_SIZE;
  for (let at = 0; at < length; at += ROWS_PER_BATCH) {
    const rows = Math.min(ROWS_PER_BATCH, length - at);
    const values = new Uint8Array(rows * size);
    const images = Array.from({ length: rows }, (_, i) => drawShapes(SEED, first + at + i));
    images.forEach(({ pixels }, i) => {
      values.set(pixels, i * size);
    });
    const data = { dtype: "uint8", shape: [3, SHAPES_SIZE, SHAPES_SIZE], values } as const;
    yield recordBatch({ data, [BOXES]: bytesColumn(rows, (row) => packBoxes(images[row]!.boxes)) }, rows);
  }
}
