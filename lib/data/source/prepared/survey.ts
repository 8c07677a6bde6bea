import { allocCounter } from "../../../budget.js";
import { NetrunError, nearest } from "../../../error.js";
import { BOOLEANS, isNumber } from "../table/csv.js";
import { LabelSet, MAX_LABELS } from "../table/labels.js";
import { isMissing, numberOf } from "./encode.js";
import { heldOutOf } from "../row-parts.js";
import { Moments } from "./moments.js";
import type { Preparation, PreparedColumn, PreparedLabel } from "./preparation.js";
import { openTable, type TableSpec, type TextTable } from "./table.js";

/** Choices for the preparation of a table. */
export interface SurveyOptions {
  /** The column to predict; without it there is none. */
  readonly label?: string | undefined;
  /** "classes" or "number"; by the column's cells without it. */
  readonly labelKind?: "classes" | "number" | undefined;
  /** Columns to leave out. */
  readonly ignore?: readonly string[] | undefined;
  /** Columns whose numbers are names, such as codes of regions. */
  readonly categories?: readonly string[] | undefined;
  readonly form: "one-hot" | "index";
  /** The most categories of a column. */
  readonly maxCategories: number;
  readonly testTable?: TableSpec | undefined;
  readonly heldOut: number;
  readonly seed: number;
}

/** The preparation of a table, and its rows. */
export interface Surveyed {
  readonly preparation: Preparation;
  /** Rows to train on, and rows without a label, which are skipped. */
  readonly rows: number;
  /** Rows to test on. */
  readonly testRows: number;
  readonly unlabelled: number;
}

interface Column {
  readonly name: string;
  numbers: number;
  texts: number;
  booleans: number;
  missing: number;
  /** Of the rows to train on. */
  readonly moments: Moments;
  labels: LabelSet;
  /** True if numbers came before the first text, so that they are not among the texts yet. */
  isPartial: boolean;
  /** The first text and its line. */
  firstText: { readonly line: number; readonly cell: string } | undefined;
}

/**
 * Reads a table once (once more where names of categories are numbers too), and tells how its rows become inputs: means and deviations of the rows
 * to train on, the categories of all. Throws NetrunError, located, for a table without rows, a column that is neither, and a label that is constant.
 */
export async function survey(spec: TableSpec, options: SurveyOptions): Promise<Surveyed> {
  const table = await openTable(spec);
  const wanted = [options.label, ...(options.ignore ?? []), ...(options.categories ?? [])];
  for (const name of wanted) if (name !== undefined) requireColumn(table, name);
  const forced = new Set([...(options.categories ?? []), ...(options.labelKind === "classes" ? [options.label!] : [])]);
  const { columns, rows, heldOut, unlabelled, counts } = await firstPass(table, options, forced);
  if (rows === 0) throw new NetrunError("the file has no rows to train on", { file: table.path });
  await completeTexts(table, columns, forced);
  const others = columns.filter(({ name }) => name !== options.label);
  const prepared = others.map((column): PreparedColumn => {
    if (options.ignore?.includes(column.name)) return { kind: "skipped", name: column.name, why: "ignored" };
    return preparedColumn(table, column, options, forced);
  });
  if (prepared.every(({ kind }) => kind === "skipped"))
    throw new NetrunError("no column is left to predict by", {
      file: table.path,
      notes: prepared.map((each) => `${each.name}: ${each.kind === "skipped" ? each.why : ""}`).slice(0, 10),
    });
  const target = columns.find(({ name }) => name === options.label);
  const label = target && preparedLabel(table, target, options, forced, counts);
  const preparation: Preparation = {
    ...{ netrun: "preparation", version: 1, table: spec },
    ...(options.testTable && { testTable: options.testTable }),
    ...{ heldOut: options.testTable ? 0 : options.heldOut, seed: options.seed, columns: prepared },
    ...(label && { label }),
  };
  const testRows = options.testTable ? await labelledRows(options.testTable, options.label) : heldOut;
  return { preparation, rows, testRows, unlabelled };
}

function requireColumn({ path, columns }: TextTable, name: string): void {
  if (columns.includes(name)) return;
  const near = nearest(name, columns);
  throw new NetrunError(`there is no column "${name}"`, {
    file: path,
    notes: [near === undefined ? `columns: ${columns.slice(0, 20).join(", ")}` : `did you mean "${near}"?`],
  });
}

/** About what a text takes in memory beyond its characters. */
const TEXT_BYTES = 100;

async function firstPass(table: TextTable, options: SurveyOptions, forced: ReadonlySet<string>) {
  const keep = allocCounter((texts) => `${texts} different texts or more`, table.path);
  const columns = table.columns.map(newColumn);
  const labelAt = options.label === undefined ? -1 : table.columns.indexOf(options.label);
  const parts = options.testTable || options.heldOut === 0 ? undefined : heldOutOf(options.heldOut, options.seed);
  const counts = new Map<string, number>();
  let [index, rows, heldOut, unlabelled] = [0, 0, 0, 0];
  for await (const { cells, line } of table.rows()) {
    const isTraining = parts?.of(index++) !== 1;
    if (cells.length !== columns.length)
      throw new NetrunError(`${cells.length} cells, where the first row has ${columns.length}`, {
        file: table.where(line),
      });
    const isLabelled = labelAt < 0 || !isMissing(cells[labelAt]!.trim());
    if (!isLabelled) unlabelled++;
    else if (isTraining) rows++;
    else heldOut++;
    if (isLabelled && isTraining && labelAt >= 0) {
      const label = cells[labelAt]!.trim();
      // No more than classes can be: a label of numbers has a value of its own in each row.
      if (counts.has(label) || counts.size <= MAX_LABELS) counts.set(label, (counts.get(label) ?? 0) + 1);
    }
    for (const [i, column] of columns.entries()) {
      const cell = cells[i]!.trim();
      if (isMissing(cell)) {
        column.missing++;
        continue;
      }
      const isBoolean = Object.hasOwn(BOOLEANS, cell.toLowerCase());
      if (isBoolean) column.booleans++;
      if (isNumber(cell) && !forced.has(column.name)) {
        const value = numberOf(cell);
        if (Number.isNaN(value))
          throw new NetrunError(`column "${column.name}" has ${cell}, which is no finite number`, {
            file: table.where(line),
          });
        column.numbers++;
        column.isPartial ||= column.texts === 0;
        if (isTraining && isLabelled) column.moments.add(value);
      } else {
        column.texts++;
        column.firstText ??= { line, cell };
        if (isTraining && isLabelled && isBoolean) column.moments.add(numberOf(cell));
      }
      if (!column.isPartial && column.labels.add(cell)) keep(TEXT_BYTES + 2 * cell.length);
    }
  }
  return { columns, rows, heldOut, unlabelled, counts };
}

const newColumn = (name: string): Column => ({
  ...{ name, numbers: 0, texts: 0, booleans: 0, missing: 0, isPartial: false },
  ...{ moments: new Moments(), labels: new LabelSet(), firstText: undefined },
});

/** True if a column's cells are names. */
const isText = ({ name, numbers, texts, booleans }: Column, forced: ReadonlySet<string>): boolean =>
  forced.has(name) || (texts > numbers && texts !== booleans);

/** Another pass for the columns of names that begin with numbers. */
async function completeTexts(table: TextTable, columns: readonly Column[], forced: ReadonlySet<string>): Promise<void> {
  const partial = columns
    .map((column, i) => ({ column, i }))
    .filter(({ column }) => column.isPartial && isText(column, forced));
  if (partial.length === 0) return;
  for (const { column } of partial) column.labels = new LabelSet();
  for await (const { cells } of table.rows())
    for (const { column, i } of partial) if (!isMissing(cells[i]!.trim())) column.labels.add(cells[i]!.trim());
}

function preparedColumn(
  table: TextTable,
  column: Column,
  { form, maxCategories }: SurveyOptions,
  forced: ReadonlySet<string>,
): PreparedColumn {
  const { name } = column;
  const skipped = (why: string): PreparedColumn => ({ kind: "skipped", name, why });
  if (column.numbers + column.texts === 0) return skipped("all its cells are missing");
  if (isText(column, forced)) {
    const categories = column.labels.sorted();
    if (!categories || categories.length > maxCategories)
      throw new NetrunError(
        `column "${name}" has ${categories ? categories.length : `over ${MAX_LABELS}`} categories, more than ${maxCategories}`,
        { file: table.path, notes: [`--ignore ${name} leaves it out; --max-categories allows up to ${MAX_LABELS}`] },
      );
    if (categories.length === 1 && column.missing === 0) return skipped(`constant: all its cells are ${categories[0]}`);
    return { kind: "category", name, form, categories: [...categories], other: form === "index" || column.missing > 0 };
  }
  refuseTexts(table, column);
  const { mean, deviation } = column.moments;
  if (!(deviation > 0)) return skipped(`constant: all its cells are ${mean}`);
  return { kind: "number", name, mean, deviation };
}

/** Throws NetrunError, at its line, for a text in a column of numbers. */
function refuseTexts(table: TextTable, { name, texts, booleans, firstText }: Column): void {
  if (!firstText || texts === booleans) return;
  throw new NetrunError(`column "${name}" has ${JSON.stringify(firstText.cell)}, where most of its cells are numbers`, {
    file: table.where(firstText.line),
    notes: [`leave the cell empty where it is missing; --categories ${name} takes all its cells as names`],
  });
}

/** The most classes of numbers that are taken as such. */
const FEW = 2;

function preparedLabel(
  table: TextTable,
  column: Column,
  { labelKind }: SurveyOptions,
  forced: ReadonlySet<string>,
  counts: ReadonlyMap<string, number>,
): PreparedLabel {
  const { name } = column;
  const place = { file: table.path };
  if (column.numbers + column.texts === 0) throw new NetrunError(`column "${name}", the label, is empty`, place);
  const isClasses = labelKind ? labelKind === "classes" : isText(column, forced) || column.texts > column.numbers;
  if (!isClasses) {
    if (isText(column, forced))
      throw new NetrunError(`column "${name}" holds names, and this loss needs numbers`, {
        ...place,
        notes: ["leave --loss out: the net then predicts classes"],
      });
    refuseTexts(table, column);
    const { mean, deviation } = column.moments;
    if (deviation > 0) return { kind: "number", name, mean, deviation };
    throw new NetrunError(`column "${name}", the label, is constant: there is nothing to predict`, place);
  }
  const texts = column.labels.sorted();
  if (!texts)
    throw new NetrunError(`column "${name}" has over ${MAX_LABELS} different texts: too many to be classes`, place);
  if (texts.length < FEW)
    throw new NetrunError(`column "${name}", the label, is constant: there is nothing to predict`, place);
  // Numbers in their order, which is not that of their texts.
  const classes = texts.every(isNumber) ? [...texts].sort((a, b) => Number(a) - Number(b)) : [...texts];
  return { kind: "classes", name, classes, rows: classes.map((text) => counts.get(text) ?? 0) };
}

/** Rows of a table that have a label. */
async function labelledRows(spec: TableSpec, label: string | undefined): Promise<number> {
  const table = await openTable(spec);
  const at = label === undefined ? -1 : table.columns.indexOf(label);
  if (label !== undefined) requireColumn(table, label);
  let rows = 0;
  for await (const { cells } of table.rows()) if (at < 0 || !isMissing((cells[at] ?? "").trim())) rows++;
  return rows;
}
