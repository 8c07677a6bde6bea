import type { RecordBatch } from "apache-arrow";
import { NetrunError } from "../../error.js";
import { count } from "../../graph/type.js";
import { type ForeignPlan, knownPlan, tableOf } from "./arrow/foreign.js";
import { type ArrowMessages, openArrow } from "./arrow/messages.js";
import { rowsBetween } from "./arrow/source.js";
import { type Column, columnsOf, notesOf, recordBatch } from "./columns.js";
import { type DataSource, type Field, shardRange } from "./source.js";
import type { TableField } from "./table/cells.js";
import { LabelSet } from "./table/labels.js";

/** The rows of a DataFrame of Spark's that are in a file here: some of them where the driver is, a replica's where it lives. */
export interface FrameSpec {
  /** Its address, for messages. */
  readonly frame: string;
  /** Its number among those of a cluster. */
  readonly id: number;
  /** The Arrow stream of the rows that are here. */
  readonly path: string;
  /** Rows in all, here and elsewhere. */
  readonly rows: number;
  /** The number, among all rows, of the first one here; undefined for a sample, whose rows are of no place. */
  readonly first?: number | undefined;
  /** Columns that are fields, and why others are none. */
  readonly columns: readonly TableField[];
  readonly unusable: Readonly<Record<string, string>>;
  /** Shapes of columns of lists, whose values come one after the other. */
  readonly shapes?: Readonly<Record<string, readonly number[]>> | undefined;
  /** The value of missing numbers; without it a row that lacks one cannot be used. */
  readonly missing?: number | undefined;
}

/** Description of a frame before its columns are known. */
export interface FrameFile extends Omit<FrameSpec, "columns"> {
  /** The different texts of each column of texts, in any order. */
  readonly texts: Readonly<Record<string, readonly string[]>>;
}

/** A frame with its fields, by a sample of its rows. Throws a NetrunError where it has no rows, or the file is damaged. */
export function frameSpec({ texts, ...frame }: FrameFile): FrameSpec {
  const messages = openArrow(frame.path);
  try {
    if (frame.rows === 0 || messages.rows.length === 0) throw new NetrunError(`${frame.frame}: the data has no rows`);
    const { fields, unusable } = tableOf(messages, messages.read(0), (name) => sorted(texts[name] ?? []));
    for (const [name, shape] of Object.entries(frame.shapes ?? {})) checkShape(frame.frame, fields, name, shape);
    return { ...frame, columns: fields, unusable: { ...frame.unusable, ...unusable } };
  } finally {
    messages.close();
  }
}

function checkShape(frame: string, fields: readonly TableField[], name: string, shape: readonly number[]): void {
  const field = fields.find((each) => each.name === name);
  const has = field && field.dtype !== "image" ? `[${field.shape}]` : "no list of numbers";
  if (field && field.dtype !== "image" && count(field.shape) === count(shape)) return;
  throw new NetrunError(`${frame}: option shape=${name}=${shape}: column "${name}" holds ${has}`, {
    notes: [`columns: ${fields.map((each) => each.name).join(", ")}`],
  });
}

function sorted(texts: readonly string[]): readonly string[] | undefined {
  const labels = new LabelSet();
  for (const text of texts) labels.add(text);
  return labels.sorted();
}

/**
 * The rows of a DataFrame that are in a file here, under their numbers among all rows: a replica's shard of them is in its file,
 * and random crops are those of the same rows anywhere else. Throws a NetrunError where the file is damaged.
 */
export async function frameSource(spec: FrameSpec): Promise<DataSource> {
  const { frame, path, rows, first, columns, unusable, missing, shapes = {} } = spec;
  const messages = openArrow(path);
  const plan = shaped(knownPlan(messages, columns, missing), shapes);
  const here = messages.rows.reduce((sum, count) => sum + count, 0);
  const begin = first ?? 0;
  return {
    length: rows,
    fields: plan.fields,
    labels: plan.labels,
    unusable,
    parts: partsOf(messages, begin, rows),
    batches(shard, from = 0): AsyncIterable<RecordBatch> {
      const { start, end } = shardRange(shard, rows);
      if (first !== undefined && (start < begin || end > begin + here)) {
        throw new Error(`rows [${start}, ${end}) of ${frame} are elsewhere: [${begin}, ${begin + here}) are here`);
      }
      return rowsBetween(messages, plan, start + from - begin, end - begin);
    },
    locate: (index) => (first === undefined ? `${frame}: a row` : `${frame}: row ${index} of the order`),
    [Symbol.asyncDispose]: async () => messages.close(),
  };
}

/** Record batches, and as one the rows before and after that are elsewhere. */
function partsOf({ rows: here }: ArrowMessages, begin: number, rows: number): readonly number[] {
  const after = rows - begin - here.reduce((sum, count) => sum + count, 0);
  return [begin, ...here, after].filter((count) => count > 0);
}

/** A plan whose columns have other shapes of the same values. */
function shaped(plan: ForeignPlan, shapes: NonNullable<FrameSpec["shapes"]>): ForeignPlan {
  const reshape = <C extends Column | Field>(name: string, column: C): C =>
    Object.hasOwn(shapes, name) ? { ...column, shape: shapes[name]! } : column;
  const named = <C extends Column | Field>(columns: Readonly<Record<string, C>>) =>
    Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, reshape(name, column)]));
  if (Object.keys(shapes).length === 0) return plan;
  return {
    ...plan,
    fields: named(plan.fields),
    convert(batch) {
      const rows = plan.convert(batch);
      return recordBatch(named(columnsOf(rows)), rows.numRows, plan.labels, notesOf(rows));
    },
  };
}
