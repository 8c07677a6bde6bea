import { DataType, type RecordBatch } from "apache-arrow";
import { NetrunError } from "../../../error.js";
import { openArrow } from "../arrow/messages.js";
import { isRecordBatchOfOurs, labelsOfSchema } from "../columns.js";

/**
 * An Arrow IPC file or stream as a table of texts (a `TextTable`), read a record batch at a time. Throws NetrunError for a file that is damaged or has no
 * rows, and for columns whose cells are lists, structs or bytes.
 */
export function arrowTable(path: string) {
  const messages = openArrow(path);
  try {
    const first = messages.rows.findIndex((rows) => rows > 0);
    if (first < 0) throw new NetrunError("the file has no rows", { file: path });
    const columns = messages.read(first).schema.fields.map(({ name }) => name);
    return {
      path,
      columns,
      async *rows() {
        const again = openArrow(path);
        try {
          let line = 0;
          for (const index of again.rows.keys())
            for (const cells of textsOf(path, again.read(index))) yield { cells, line: line++ };
        } finally {
          again.close();
        }
      },
      where: (line: number) => `${path}: row ${line}`,
    };
  } finally {
    messages.close();
  }
}

/** Tests whether a file's columns are cells, and not arrays or images. */
export function isArrowTable(path: string): boolean {
  const messages = openArrow(path);
  try {
    if (messages.rows.length === 0) return true;
    const isNested = (type: DataType) => DataType.isBinary(type) || type.children?.length > 0;
    return !messages.read(0).schema.fields.some(({ type }) => isNested(type));
  } finally {
    messages.close();
  }
}

/** Rows of a record batch as texts; of files that netrun wrote, names in place of their indices. */
function* textsOf(path: string, batch: RecordBatch): Generator<readonly string[]> {
  const labels = isRecordBatchOfOurs(batch) ? labelsOfSchema(batch.schema) : {};
  const readers = batch.schema.fields.map(({ name, type }, i) => {
    const texts = labels[name];
    const vector = batch.getChildAt(i)!;
    return (row: number) => {
      const cell: unknown = vector.get(row);
      if (cell === null || cell === undefined) return "";
      const text = texts ? texts[Number(cell)] : cellText(type, cell);
      if (text !== undefined) return text;
      throw new NetrunError(
        `column "${name}" holds ${type}, and cells of a table are numbers, booleans, texts or times`,
        {
          file: path,
        },
      );
    };
  });
  for (let row = 0; row < batch.numRows; row++) yield readers.map((read) => read(row));
}

/** A cell as a CSV file would have it; undefined where that has none. */
function cellText(type: DataType, cell: unknown): string | undefined {
  if (DataType.isDate(type) || DataType.isTimestamp(type)) return new Date(Number(cell)).toISOString();
  if (typeof cell === "number" && DataType.isFloat(type)) return floatText(cell);
  return ["number", "bigint", "boolean", "string"].includes(typeof cell) ? String(cell) : undefined;
}

/** Digits that tell any float32 from its neighbours. */
const FLOAT32_DIGITS = 9;

/** The shortest text of a number; of a float32 the shortest that gives it again. */
function floatText(value: number): string {
  if (Math.fround(value) !== value) return String(value);
  for (let digits = 6; digits < FLOAT32_DIGITS; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(Number(value.toPrecision(FLOAT32_DIGITS)));
}
