import { NetrunError, nearest } from "../../../error.js";
import { BOOLEANS, MISSING } from "../table/csv.js";
import { type InputPlace, inputCount, inputPlaces, type Preparation, type PreparedLabel } from "./preparation.js";
import type { TextTable } from "./table.js";

/** The inputs of a row and its label, or why it has none: a message, then notes, a line each. */
export interface EncodedRow {
  readonly inputs: Float32Array;
  /** The number of its class, or its standardised number; undefined where the cell is missing or the table has no such column. */
  readonly label: number | undefined;
  readonly failure: string | undefined;
}

/** Numbers of cells that the rows to train on did not have. */
export interface EncodingCounts {
  /** Cells by column that were none of its categories. */
  readonly unseen: ReadonlyMap<string, number>;
  readonly missing: ReadonlyMap<string, number>;
}

/** Makes rows of a table inputs of a net. */
export interface Encoder {
  readonly counts: EncodingCounts;
  /** True if the table has the label's column. */
  readonly hasLabel: boolean;
  row(cells: readonly string[]): EncodedRow;
}

/** True if a cell is missing. */
export const isMissing = (cell: string): boolean => cell === "" || MISSING.includes(cell.toLowerCase());

/** A cell as a number; booleans are 1 and 0, and what is no finite number is NaN. */
export function numberOf(cell: string): number {
  const value = BOOLEANS[cell.toLowerCase()] ?? Number(cell);
  return Number.isFinite(value) ? value : Number.NaN;
}

/**
 * An encoder of a table's rows; columns are found by their names. Categories by column that are not among those `seen` count as unseen, where it is
 * given. Throws NetrunError for a column that is not there.
 */
export function encoderOf(
  preparation: Preparation,
  table: TextTable,
  seen?: ReadonlyMap<string, ReadonlySet<string>>,
): Encoder {
  const width = inputCount(preparation);
  const counts = { unseen: new Map<string, number>(), missing: new Map<string, number>() };
  const places = inputPlaces(preparation).map((place) => ({ place, at: columnAt(table, place.column.name) }));
  const writers = places.map(({ place, at }) => ({ at, write: writerOf(place, counts, seen?.get(place.column.name)) }));
  const { label } = preparation;
  const labelAt = label ? table.columns.indexOf(label.name) : -1;
  const labelOf = label && labelAt >= 0 ? labelReader(label) : undefined;
  return {
    counts,
    hasLabel: labelOf !== undefined,
    row(cells) {
      const inputs = new Float32Array(width);
      if (cells.length !== table.columns.length) {
        const failure = `${cells.length} cells, where the first row has ${table.columns.length}`;
        return { inputs, label: undefined, failure };
      }
      let failure: string | undefined;
      for (const { at, write } of writers) failure ??= write(cells[at]!.trim(), inputs);
      const read = labelOf?.(cells[labelAt]!.trim());
      const named = typeof read === "string" ? read : undefined;
      return { inputs, label: typeof read === "number" ? read : undefined, failure: failure ?? named };
    },
  };
}

function columnAt({ path, columns }: TextTable, name: string): number {
  const at = columns.indexOf(name);
  if (at >= 0) return at;
  const near = nearest(name, columns);
  throw new NetrunError(`there is no column "${name}", which the net was made for`, {
    file: path,
    notes: [near === undefined ? `columns: ${columns.slice(0, 20).join(", ")}` : `did you mean "${near}"?`],
  });
}

type Write = (cell: string, inputs: Float32Array) => string | undefined;

interface Tally {
  readonly unseen: Map<string, number>;
  readonly missing: Map<string, number>;
}

function writerOf({ column, first }: InputPlace, { unseen, missing }: Tally, seen?: ReadonlySet<string>): Write {
  const { name } = column;
  const count = (tally: Map<string, number>) => tally.set(name, (tally.get(name) ?? 0) + 1);
  if (column.kind === "number") {
    const { mean, deviation } = column;
    return (cell, inputs) => {
      if (isMissing(cell)) {
        count(missing);
        return undefined;
      }
      const value = numberOf(cell);
      if (Number.isNaN(value)) return `column "${name}" has ${JSON.stringify(cell)}\na finite number was wanted`;
      inputs[first] = (value - mean) / deviation;
      return undefined;
    };
  }
  const { categories, form, other } = column;
  const indices = new Map(categories.map((text, i) => [text, i]));
  return (cell, inputs) => {
    const known = seen && !seen.has(cell) ? undefined : indices.get(cell);
    if (known === undefined) count(isMissing(cell) ? missing : unseen);
    const index = known ?? (other ? categories.length : undefined);
    if (index === undefined) return undefined;
    if (form === "index") inputs[first] = index;
    else inputs[first + index] = 1;
    return undefined;
  };
}

/** Reads a label's cell; undefined where it is missing, a text that says why it is none. */
function labelReader(label: PreparedLabel): (cell: string) => number | string | undefined {
  if (label.kind === "number") {
    return (cell) => {
      if (isMissing(cell)) return undefined;
      const value = numberOf(cell);
      if (!Number.isNaN(value)) return (value - label.mean) / label.deviation;
      return `column "${label.name}" has ${JSON.stringify(cell)}\na finite number was wanted: it is what the net predicts`;
    };
  }
  const indices = new Map(label.classes.map((text, i) => [text, i]));
  return (cell) => {
    const known = indices.get(cell);
    if (known !== undefined || isMissing(cell)) return known;
    const few = label.classes.slice(0, 10).join(", ");
    return `column "${label.name}" has ${JSON.stringify(cell)}, which is no class of the net\nits classes: ${few}`;
  };
}
