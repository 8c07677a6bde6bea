import { readFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import * as v from "valibot";
import { NetrunError } from "../../../error.js";
import { readingFailed, writeWhole } from "../../../file.js";
import type { TableSpec } from "./table.js";

// No file has such a name, and Node says so in an error of its own.
const path = v.pipe(
  v.string(),
  v.check((text) => text !== "" && !text.includes("\0"), "names no file"),
);
const csv = v.object({
  kind: v.literal("csv"),
  path,
  delimiter: v.optional(v.string()),
  header: v.optional(v.boolean()),
});
const parquet = v.object({ kind: v.literal("parquet"), path });
const arrow = v.object({ kind: v.literal("arrow"), path });
const table = v.variant("kind", [csv, parquet, arrow]);

const finite = v.pipe(v.number(), v.finite());
const positive = v.pipe(finite, v.gtValue(0));

const number = v.object({
  kind: v.literal("number"),
  name: v.string(),
  /** Of the rows to train on; an input is (cell - mean) / deviation, and 0 where the cell is missing. */
  mean: finite,
  deviation: positive,
});
const category = v.object({
  kind: v.literal("category"),
  name: v.string(),
  /** An input for each (one-hot), or one input with the index of a cell's (index), which an Embed layer reads. */
  form: v.picklist(["one-hot", "index"]),
  /** The texts that were there, sorted. */
  categories: v.array(v.string()),
  /** True if missing and unseen cells are a category of their own, the last; else all inputs are 0. */
  other: v.boolean(),
});
const skipped = v.object({ kind: v.literal("skipped"), name: v.string(), why: v.string() });
const classes = v.object({
  kind: v.literal("classes"),
  name: v.string(),
  classes: v.array(v.string()),
  /** Rows of each class among those to train on. */
  rows: v.array(v.number()),
});
const target = v.object({ kind: v.literal("number"), name: v.string(), mean: finite, deviation: positive });

const schema = v.object({
  netrun: v.literal("preparation"),
  version: v.literal(1),
  table,
  /** The table to test on; without it a part of `table`. */
  testTable: v.optional(table),
  /** The share of the rows that is held out to test on, and the seed that says which. */
  heldOut: v.pipe(finite, v.minValue(0), v.maxValue(0.99)),
  seed: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  columns: v.array(v.variant("kind", [number, category, skipped])),
  label: v.optional(v.variant("kind", [classes, target])),
});

/** The way from a table's rows to a net's inputs, and from its outputs to classes or numbers. Paths are absolute in memory. */
export type Preparation = v.InferOutput<typeof schema>;
export type PreparedColumn = Preparation["columns"][number];
export type PreparedLabel = NonNullable<Preparation["label"]>;

/** The place of a column's inputs among those of a row. */
export interface InputPlace {
  readonly column: Exclude<PreparedColumn, { kind: "skipped" }>;
  readonly first: number;
  readonly count: number;
}

const isIndex = ({ column }: Pick<InputPlace, "column">) => column.kind === "category" && column.form === "index";

/** The inputs of a row, in the order of the columns; those that are indices last. */
export function inputPlaces({ columns }: Pick<Preparation, "columns">): readonly InputPlace[] {
  const used = columns.flatMap((column) => (column.kind === "skipped" ? [] : [{ column, count: widthOf(column) }]));
  let first = 0;
  return [...used.filter((each) => !isIndex(each)), ...used.filter(isIndex)].map(({ column, count }) => {
    const place = { column, first, count };
    first += count;
    return place;
  });
}

/** Inputs of a column. */
function widthOf(column: InputPlace["column"]): number {
  return column.kind === "number" || column.form === "index" ? 1 : categoryCount(column);
}

/** Categories of a column, with the one of missing and unseen cells. */
export const categoryCount = ({
  categories,
  other,
}: {
  readonly categories: readonly string[];
  readonly other: boolean;
}) => categories.length + (other ? 1 : 0);

/** Inputs of a row. */
export const inputCount = (preparation: Pick<Preparation, "columns">): number =>
  inputPlaces(preparation).reduce((sum, { count }) => sum + count, 0);

/** True if a file's text begins as a preparation. */
export const isPreparation = (text: string): boolean => /^\s*\{\s*"netrun":\s*"preparation"/.test(text);

/** Reads a preparation. Throws NetrunError for a file that is none, or is damaged. */
export function readPreparation(path: string): Preparation {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw readingFailed(path, cause);
  }
  try {
    const read = v.parse(schema, JSON.parse(text));
    return withPaths(read, (file) => resolve(dirname(path), file));
  } catch (cause) {
    const why =
      cause instanceof v.ValiError ? `${v.getDotPath(cause.issues[0]) ?? ""}: ${cause.message}` : String(cause);
    throw new NetrunError("is not a preparation of tables", {
      file: path,
      notes: [why, "netrun new mlp --data TABLE -o FOLDER writes one"],
      cause,
    });
  }
}

/** Writes a preparation; the paths in it are from its folder on, so that both can be moved together. */
export function writePreparation(path: string, preparation: Preparation): Promise<void> {
  const folder = resolve(dirname(path));
  const stored = withPaths(preparation, (file) => relative(folder, resolve(file)).replaceAll("\\", "/"));
  return writeWhole(path, `${JSON.stringify(stored, null, 2)}\n`);
}

function withPaths(preparation: Preparation, change: (path: string) => string): Preparation {
  const moved = <T extends TableSpec>(spec: T): T => ({ ...spec, path: change(spec.path) });
  const { testTable } = preparation;
  return { ...preparation, table: moved(preparation.table), ...(testTable && { testTable: moved(testTable) }) };
}
