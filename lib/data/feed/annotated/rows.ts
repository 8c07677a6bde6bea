import { NetrunError } from "../../../error.js";
import { count } from "../../../graph/type.js";
import { decodeImage, type Image } from "../../image/image.js";
import type { ColourMode } from "../../image/pixels.js";
import { BOXES, type Box, unpackBoxes } from "../../source/boxes.js";
import { bytesIn, type Column } from "../../source/columns.js";
import { failureError } from "../../source/failures.js";
import { BadRow, type RecordId } from "../bad-row.js";
import type { Rows } from "../batch.js";

/** The image of a row. Throws a NetrunError for one that does not decode or is not of bytes. */
export function imageOf(
  columns: Readonly<Record<string, Column>>,
  row: number,
  colour: ColourMode,
): Image | Promise<Image> {
  const column = columns["data"]!;
  if (column.dtype === "image") return decodeImage(bytesIn(column, row), colour);
  const n = count(column.shape);
  if (column.dtype !== "uint8" || column.shape.length !== 3)
    throw new NetrunError(
      `images with boxes are bytes [channels, height, width], not ${column.dtype} [${column.shape}]`,
    );
  return {
    shape: column.shape as Image["shape"],
    pixels: column.values.subarray(row * n, (row + 1) * n) as Uint8Array,
  };
}

/** Throws a BadRow for a row that its source has noted as failed: before its image, which is none, is decoded. */
export function refuseFailed({ failures }: Rows, row: number, record: RecordId): void {
  const why = failures.get(row);
  if (why !== undefined) throw new BadRow(failureError(why), record);
}

/** The boxes of a row. Throws a BadRow for one that cannot be used. */
export function boxesIn(from: Rows, row: number, record: RecordId): readonly Box[] {
  refuseFailed(from, row, record);
  const { columns } = from;
  const column = columns[BOXES];
  const boxes = column?.dtype === "image" ? unpackBoxes(bytesIn(column, row)) : undefined;
  if (!boxes) throw new BadRow(new NetrunError(`"${BOXES}" does not hold boxes`), record);
  for (const { xmin, ymin, xmax, ymax } of boxes)
    if (![xmin, ymin, xmax, ymax].every(Number.isFinite))
      throw new BadRow(new NetrunError(`a box has the corners ${[xmin, ymin, xmax, ymax].join(", ")}`), record);
  return boxes;
}
