import { DataType, type RecordBatch } from "apache-arrow";
import { recordBatch } from "../columns.js";
import type { Field } from "../source.js";
import { columnOfCells, fieldOfCell, type TableField } from "../table/cells.js";
import { LabelSet } from "../table/labels.js";
import { labelsOf } from "../table/rows.js";
import type { ArrowMessages } from "./messages.js";

/** How record batches that other programs wrote become ours. */
export interface ForeignPlan {
  readonly fields: Readonly<Record<string, Field>>;
  readonly labels: Readonly<Record<string, readonly string[]>>;
  readonly unusable: Readonly<Record<string, string>>;
  /** `first` is the number of the batch's first row in the file, for errors. */
  convert(batch: RecordBatch, first: number): RecordBatch;
}

/**
 * Plans the conversion of a file's columns by the cells of the first row: numbers, booleans, lists, bytes and texts (as
 * indices into their different texts, sorted, found in one pass over the column) are fields; others are left out.
 */
export async function foreignPlan(messages: ArrowMessages, batch: RecordBatch): Promise<ForeignPlan> {
  const fields: TableField[] = [];
  const unusable: Record<string, string> = {};
  for (const { name, type } of batch.schema.fields) {
    const cell = plain(batch.getChild(name)!.get(0));
    const isTime = DataType.isTimestamp(type) || DataType.isDate(type) || DataType.isTime(type);
    const labels = typeof cell === "string" ? labelsIn(messages, name) : undefined;
    const field = isTime ? "it holds times" : fieldOfCell(name, cell, labels);
    if (typeof field === "string") unusable[name] = field;
    else fields.push(field);
  }
  const convert = (part: RecordBatch, first: number): RecordBatch => {
    const where = (row: number): string => `${messages.path}: row ${first + row}`;
    const columns = fields.map((field) => {
      const column = part.getChild(field.name)!;
      return [field.name, columnOfCells(field, part.numRows, (row) => plain(column.get(row)), where)];
    });
    return recordBatch(Object.fromEntries(columns), part.numRows, labelsOf(fields));
  };
  const named = fields.map(({ name, dtype, shape }): [string, Field] => [name, { dtype, shape }]);
  return { fields: Object.fromEntries(named), labels: labelsOf(fields), unusable, convert };
}

function labelsIn(messages: ArrowMessages, name: string): readonly string[] | undefined {
  const labels = new LabelSet();
  for (const index of messages.rows.keys())
    for (const text of messages.read(index).getChild(name)!) if (typeof text === "string") labels.add(text);
  return labels.sorted();
}

/** A cell without Arrow's own classes: lists come as vectors. */
function plain(cell: unknown): unknown {
  if (typeof cell !== "object" || cell === null || ArrayBuffer.isView(cell)) return cell;
  const { toArray } = cell as { toArray?: () => unknown };
  if (typeof toArray !== "function") return cell;
  const array = toArray.call(cell);
  return Array.isArray(array) ? array.map(plain) : array;
}
