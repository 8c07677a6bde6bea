import { DataType, type RecordBatch } from "apache-arrow";
import { NetrunError } from "../../../error.js";
import { recordBatch } from "../columns.js";
import type { Field } from "../source.js";
import { columnsOfCells, fieldOfCell, plain, type TableField } from "../table/cells.js";
import { LabelSet } from "../table/labels.js";
import { labelsOf } from "../table/rows.js";
import type { ArrowMessages } from "./messages.js";

/** Conversion of record batches that other programs wrote. */
export interface ForeignPlan {
  readonly fields: Readonly<Record<string, Field>>;
  readonly labels: Readonly<Record<string, readonly string[]>>;
  readonly unusable: Readonly<Record<string, string>>;
  convert(batch: RecordBatch): RecordBatch;
}

/** Types whose cells look like numbers or lists of them and are none. */
const REFUSED: readonly (readonly [is: (type: DataType) => boolean, what: string])[] = [
  [(type) => DataType.isTimestamp(type) || DataType.isDate(type) || DataType.isTime(type), "times"],
  [(type) => DataType.isDuration(type) || DataType.isInterval(type), "stretches of time"],
  [(type) => DataType.isDecimal(type), "decimals"],
  [(type) => DataType.isStruct(type) || DataType.isMap(type) || DataType.isUnion(type), "structs"],
];

/**
 * Plans the conversion of a file's columns by the first cells that are not missing: numbers, booleans, lists, bytes and texts (as
 * indices into their different texts, sorted, found in one pass over the column) are fields; others are skipped.
 */
export function foreignPlan(messages: ArrowMessages, batch: RecordBatch, missing: number | undefined): ForeignPlan {
  const plan = readable(messages, () => planOf(tableOf(messages, batch), missing));
  return { ...plan, convert: (part) => readable(messages, () => plan.convert(part)) };
}

/** Plans the conversion of columns whose fields are known already, from other rows of the same table. */
export function knownPlan(
  messages: ArrowMessages,
  fields: readonly TableField[],
  missing: number | undefined,
): ForeignPlan {
  const plan = planOf({ fields, unusable: {} }, missing);
  return { ...plan, convert: (part) => readable(messages, () => plan.convert(part)) };
}

/**
 * The fields of a file's columns, by the first cells that are not missing, and why others are none. `labels` gives the texts of a
 * column of texts, sorted; without it they are looked up in the file.
 */
export function tableOf(
  messages: ArrowMessages,
  batch: RecordBatch,
  labels = (name: string) => labelsIn(messages, name),
): Table {
  const fields: TableField[] = [];
  const unusable: Record<string, string> = {};
  for (const { name, type } of batch.schema.fields) {
    const cell = firstOf(batch.getChild(name)!);
    const refused = REFUSED.find(([is]) => is(type))?.[1];
    const texts = typeof cell === "string" ? labels(name) : undefined;
    const field = refused === undefined ? fieldOfCell(name, cell, texts) : `it holds ${refused} (${type})`;
    if (typeof field === "string") unusable[name] = field;
    else fields.push(field);
  }
  return { fields, unusable };
}

/** The columns of a table that are fields, and why others are none. */
interface Table {
  readonly fields: readonly TableField[];
  readonly unusable: Readonly<Record<string, string>>;
}

/** Result of a function; where apache-arrow cannot make sense of a damaged cell, that is a NetrunError. */
function readable<T>({ path }: ArrowMessages, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof NetrunError) throw cause;
    throw new NetrunError("the Arrow file is damaged: it has cells that cannot be read", { file: path, cause });
  }
}

function planOf({ fields, unusable }: Table, missing: number | undefined): ForeignPlan {
  const convert = (part: RecordBatch): RecordBatch => {
    const children = fields.map(({ name }) => part.getChild(name)!);
    const cell = (row: number, i: number): unknown => plain(children[i]!.get(row));
    const { columns, failures } = columnsOfCells(fields, part.numRows, cell, missing);
    return recordBatch(columns, part.numRows, labelsOf(fields), { failures });
  };
  const named = fields.map(({ name, dtype, shape }): [string, Field] => [name, { dtype, shape }]);
  return { fields: Object.fromEntries(named), labels: labelsOf(fields), unusable, convert };
}

/** The first cell of a column that is there. */
function firstOf(column: Iterable<unknown>): unknown {
  for (const cell of column) if (cell !== null && cell !== undefined) return plain(cell);
  return undefined;
}

function labelsIn(messages: ArrowMessages, name: string): readonly string[] | undefined {
  const labels = new LabelSet();
  for (const index of messages.rows.keys())
    for (const text of messages.read(index).getChild(name)!) if (typeof text === "string") labels.add(text);
  return labels.sorted();
}
