import { existsSync } from "node:fs";
import { join } from "node:path";
import type { RecordBatch } from "apache-arrow";
import { cacheFolder } from "../../cache.js";
import { arrowSource } from "../arrow/source.js";
import { writeArrow } from "../arrow/write.js";
import { recordBatch } from "../columns.js";
import type { DataSource } from "../source.js";
import { DIGIT_SIZE, drawDigit } from "./draw.js";

/** The parts of the embedded data set: which digits of the series each one is. */
export const DIGIT_PARTS = {
  train: { first: 0, length: 8000 },
  test: { first: 8000, length: 2000 },
} as const;

export type DigitPart = keyof typeof DIGIT_PARTS;

/** Changes with every change of the drawing: cached files of another version are not these digits. */
const VERSION = 1;
const SEED = 1;
const ROWS_PER_BATCH = 1000;

/**
 * The embedded data set of handwritten-looking digits: 28 x 28 gray images that netrun draws itself, 8,000 to train and
 * 2,000 held out to test; a prototxt names them `netrun:digits/train` and `netrun:digits/test`. Drawn once (a second or
 * two), then kept as an Arrow file in `folder`.
 */
export async function digitsSource(part: DigitPart, folder: string = cacheFolder()): Promise<DataSource> {
  const path = join(folder, `digits-${part}-v${VERSION}.arrow`);
  if (!existsSync(path)) await writeArrow(path, drawDigits(part));
  return arrowSource(path);
}

/** The digits of a part as record batches with the fields data [1, 28, 28] and label. */
export function* drawDigits(part: DigitPart): Generator<RecordBatch> {
  const { first, length } = DIGIT_PARTS[part];
  const area = DIGIT_SIZE * DIGIT_SIZE;
  for (let at = 0; at < length; at += ROWS_PER_BATCH) {
    const rows = Math.min(ROWS_PER_BATCH, length - at);
    const values = new Uint8Array(rows * area);
    const labels = new Int32Array(rows);
    for (let i = 0; i < rows; i++) {
      const { pixels, label } = drawDigit(SEED, first + at + i);
      values.set(pixels, i * area);
      labels[i] = label;
    }
    const data = { dtype: "uint8", shape: [1, DIGIT_SIZE, DIGIT_SIZE], values } as const;
    yield recordBatch({ data, label: { dtype: "int32", shape: [], values: labels } }, rows);
  }
}
