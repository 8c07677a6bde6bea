import type { DataSource } from "../source/source.js";
import { permutation } from "./shuffle.js";

/** Rows that are read together: [start, end) of the source. */
export interface Block {
  readonly start: number;
  readonly end: number;
}

/** Bytes mixed in memory, and read in one stride. Two such windows are there at a time. */
const WINDOW_BYTES = 16 * 2 ** 20;
const BLOCK_BYTES = 512 * 2 ** 10;
/** Rows of a block, if they are large: to find a place costs, and at least so many blocks are mixed. */
const BLOCK_ROWS = 8;
const BLOCKS = 8;

/** Part of a shuffle independent of the epoch: the blocks of each group of rows. */
export interface ShufflePlan {
  readonly seed: number;
  readonly rowsPerWindow: number;
  readonly groups: readonly (readonly Block[])[];
}

/** Some blocks whose rows are mixed, and where the first of these is in the epoch's order. */
export interface ShuffleWindow {
  readonly blocks: readonly Block[];
  readonly first: number;
  readonly rows: number;
  /** The order of its rows, counted over its blocks. */
  permutation(): Uint32Array;
}

/** The order of one epoch. */
export interface Order {
  readonly windows: readonly ShuffleWindow[];
  /** The number in the source of the row that is the index-th of the epoch. */
  row(index: number): number;
}

/** Cuts a source into blocks: where its parts are read as wholes, along these. */
export function shufflePlan(
  { length, parts, groups = [length] }: Pick<DataSource, "length" | "parts" | "groups">,
  seed: number,
  rowBytes: number,
): ShufflePlan {
  const rowsFor = (bytes: number): number => Math.max(1, Math.floor(bytes / Math.max(1, rowBytes)));
  const rowsPerWindow = rowsFor(WINDOW_BYTES);
  const fewRows = Math.max(1, Math.min(BLOCK_ROWS, Math.floor(rowsPerWindow / BLOCKS)));
  const blockRows = Math.max(fewRows, rowsFor(BLOCK_BYTES));
  const cuts = parts && cumulative(parts);
  const ends = cumulative(groups);
  const blocks = groups.map((rows, i) => blocksOf(ends[i]! - rows, ends[i]!, blockRows, cuts));
  return { seed, rowsPerWindow, groups: blocks };
}

function blocksOf(from: number, to: number, rows: number, cuts: readonly number[] | undefined): readonly Block[] {
  const blocks: Block[] = [];
  let cut = 0;
  for (let start = from; start < to; ) {
    let end = start + rows;
    if (cuts) {
      while (cuts[cut]! < end && cut < cuts.length - 1) cut++;
      end = cuts[cut]!;
    }
    end = Math.min(to, end);
    blocks.push({ start, end });
    start = end;
  }
  return blocks;
}

function cumulative(counts: readonly number[]): readonly number[] {
  let sum = 0;
  return counts.map((each) => {
    sum += each;
    return sum;
  });
}

/** The order of an epoch: groups in random order, in each the blocks, and the rows of each window. */
export function orderOf({ seed, rowsPerWindow, groups }: ShufflePlan, epoch: number): Order {
  const windows: ShuffleWindow[] = [];
  let first = 0;
  for (const group of permutation(groups.length, seed, epoch)) {
    const blocks = groups[group]!;
    const order = Array.from(permutation(blocks.length, seed, epoch, group + 1), (i) => blocks[i]!);
    for (const part of chunks(order, rowsPerWindow)) {
      const rows = part.reduce((sum, { start, end }) => sum + end - start, 0);
      const key = windows.length + 1;
      windows.push({ blocks: part, first, rows, permutation: () => permutation(rows, seed, epoch, 0, key) });
      first += rows;
    }
  }
  return { windows, row: (index) => rowIn(windows, index) };
}

/** Blocks together as long as they have no more than so many rows, but at least one. */
function chunks(blocks: readonly Block[], rows: number): readonly (readonly Block[])[] {
  const all: Block[][] = [];
  let room = 0;
  for (const block of blocks) {
    const size = block.end - block.start;
    if (size > room || all.length === 0) {
      all.push([]);
      room = rows;
    }
    all.at(-1)!.push(block);
    room -= size;
  }
  return all;
}

function rowIn(windows: readonly ShuffleWindow[], index: number): number {
  const window = windows.find(({ first, rows }) => index < first + rows);
  if (!window) throw new RangeError(`no row ${index}`);
  let at = window.permutation()[index - window.first]!;
  for (const { start, end } of window.blocks) {
    if (at < end - start) return start + at;
    at -= end - start;
  }
  throw new RangeError(`no row ${index}`);
}
