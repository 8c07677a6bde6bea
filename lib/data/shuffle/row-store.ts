import type { RecordBatch } from "apache-arrow";
import { count } from "../../graph/type.js";
import {
  bytesColumn,
  bytesIn,
  type Column,
  columnsOf,
  type ImageColumn,
  type NumberColumn,
  notesOf,
  type RowNotes,
  recordBatch,
} from "../source/columns.js";
import type { DataSource } from "../source/source.js";

/** A record batch whose rows can be picked one by one. */
interface Entry {
  readonly columns: Readonly<Record<string, Column>>;
  readonly notes: Required<RowNotes>;
  /** Number of its first row in the store. */
  readonly first: number;
  /** Rows of entries with the same kind can be in one record batch. */
  readonly kind: string;
}

/** Position of a row: its entry and its number there. */
interface Place {
  readonly entry: Entry;
  readonly row: number;
}

/** Rows of several record batches, numbered over all, from which rows are taken in any order. */
export class RowStore {
  readonly #labels: DataSource["labels"];
  readonly #entries: Entry[] = [];
  #rows = 0;

  constructor(labels: DataSource["labels"]) {
    this.#labels = labels;
  }

  /** Rows in the store. */
  get rows(): number {
    return this.#rows;
  }

  add(batch: RecordBatch): void {
    const columns = columnsOf(batch);
    const kinds = Object.entries(columns).map(([name, column]) => [name, column.dtype, shapeOf(column)]);
    const notes = notesOf(batch);
    this.#entries.push({ columns, notes, first: this.#rows, kind: JSON.stringify([kinds, !!notes.lines]) });
    this.#rows += batch.numRows;
  }

  /** The rows of these numbers, in their order, as one record batch, or several where shapes change from row to row. */
  *take(numbers: ArrayLike<number>): Generator<RecordBatch> {
    const places = Array.from(numbers, (number) => this.#place(number));
    let from = 0;
    for (let to = 1; to <= places.length; to++)
      if (to === places.length || places[to]!.entry.kind !== places[from]!.entry.kind) {
        yield gathered(places.slice(from, to), this.#labels);
        from = to;
      }
  }

  /** Bytes of the images in a record batch. */
  static imageBytes(batch: RecordBatch): number {
    const images = Object.values(columnsOf(batch)).filter((column) => column.dtype === "image");
    return images.reduce((sum, { offsets }) => sum + offsets[batch.numRows]! - offsets[0]!, 0);
  }

  #place(number: number): Place {
    let [low, high] = [0, this.#entries.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#entries[middle]!.first <= number) low = middle;
      else high = middle;
    }
    const entry = this.#entries[low]!;
    return { entry, row: number - entry.first };
  }
}

const shapeOf = (column: Column): readonly number[] => (column.dtype === "image" ? [] : column.shape);

function gathered(places: readonly Place[], labels: DataSource["labels"]): RecordBatch {
  const { columns, notes } = places[0]!.entry;
  const all = Object.keys(columns).map((name) => [name, gatherColumn(places, name)] as const);
  const failures = new Map<number, string>();
  places.forEach(({ entry, row }, i) => {
    const why = entry.notes.failures.get(row);
    if (why !== undefined) failures.set(i, why);
  });
  const lines = notes.lines && Int32Array.from(places, ({ entry, row }) => entry.notes.lines![row]!);
  return recordBatch(Object.fromEntries(all), places.length, labels, { lines, ...(failures.size > 0 && { failures }) });
}

function gatherColumn(places: readonly Place[], name: string): Column {
  const first = places[0]!.entry.columns[name]!;
  if (first.dtype === "image")
    return bytesColumn(places.length, (i) => {
      const { entry, row } = places[i]!;
      return bytesIn(entry.columns[name] as ImageColumn, row);
    });
  const n = count(first.shape);
  const make = first.values.constructor as new (length: number) => NumberColumn["values"];
  const values = new make(places.length * n);
  places.forEach(({ entry, row }, i) => {
    const from = (entry.columns[name] as NumberColumn).values;
    if (n === 1) values[i] = from[row]!;
    else values.set(from.subarray(row * n, (row + 1) * n), i * n);
  });
  return { ...first, values };
}
