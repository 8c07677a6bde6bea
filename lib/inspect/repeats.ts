import { blockName } from "./groups.js";

/** A box of a drawing, and how it is connected to others, by their indices. */
export interface RepeatBox {
  readonly name: string;
  /** Text that is the same for boxes of the same layers, whatever their sizes. */
  readonly likeness: string;
  readonly sources: readonly number[];
  readonly targets: readonly number[];
}

/** Parts of the same layers after each other: `count` parts of `period` boxes each. */
export interface Repeat {
  readonly from: number;
  readonly period: number;
  readonly count: number;
}

/** Boxes that are saved at least where a part is drawn once. */
const LEAST_SAVED = 3;
/** Boxes of a part at most: what is found takes time by their number. */
const MOST_BOXES = 200;

/**
 * The repeated parts of a net's boxes, which are in the order of its layers: parts alike that read each other in the same way. No box but those
 * of the last part is read outside. Of overlapping ones that which saves most boxes is chosen, from where a block begins by the names of layers.
 */
export function findRepeats(boxes: readonly RepeatBox[]): readonly Repeat[] {
  const isLike = (at: number, other: number): boolean => {
    const [one, two] = [boxes[at]!, boxes[other]!];
    if (one.likeness !== two.likeness || one.sources.length !== two.sources.length) return false;
    // What they read lies as far before them, or is the same, such as the labels.
    return one.sources.every((source, i) => at - source === other - two.sources[i]! || source === two.sources[i]);
  };
  /** Boxes from each on that are like those a period after them. */
  const longest = Math.min(Math.floor(boxes.length / 2), MOST_BOXES);
  const runs = Array.from({ length: longest + 1 }, (_, period) => {
    const lengths = new Uint32Array(boxes.length + 1);
    if (period > 0)
      for (let at = boxes.length - period - 1; at >= 0; at--)
        lengths[at] = isLike(at, at + period) ? lengths[at + 1]! + 1 : 0;
    return lengths;
  });
  const found: Repeat[] = [];
  const readers = boxes.map(({ targets }) => targets.reduce((last, target) => Math.max(last, target), -1));
  const mostAt = (at: number, period: number, to: number): number =>
    Math.min(Math.floor(runs[period]![at]! / period) + 1, Math.floor((to - at) / period));
  const repeatAt = (at: number, period: number, to: number): Repeat => ({
    from: at,
    period,
    count: countInside(readers, at, period, mostAt(at, period, to)),
  });
  const search = (from: number, to: number): void => {
    let best: Repeat | undefined;
    let bestScore = 0;
    for (let at = from; at < to; at++)
      for (let period = 1; period <= longest && at + 2 * period <= to; period++) {
        if (runs[period]![at]! < period) continue;
        // Counting takes time by what it may find: that of a chain of thousands is counted once.
        if (scoreOf(period, mostAt(at, period, to)) <= bestScore) continue;
        const repeat = repeatAt(at, period, to);
        const score = scoreOf(period, repeat.count);
        if (period * (repeat.count - 1) >= LEAST_SAVED && score > bestScore) [best, bestScore] = [repeat, score];
      }
    if (!best) return;
    const { period } = best;
    // The same parts, from where a block begins: what is before it may be like the end of one.
    const places = Array.from({ length: Math.min(period, to - best.from - 2 * period + 1) }, (_, i) => best!.from + i);
    const blocks = places
      .map((at) => repeatAt(at, period, to))
      .find((repeat) => repeat.count > 1 && isBlocks(boxes, repeat) && period * (repeat.count - 1) >= LEAST_SAVED);
    const chosen = blocks ?? best;
    found.push(chosen);
    search(from, chosen.from);
    search(chosen.from + period * chosen.count, to);
  };
  search(0, boxes.length);
  return found.sort((a, b) => a.from - b.from);
}

/** Boxes that are saved, and less for fewer parts: many small ones are easier to read than a few large ones. */
const scoreOf = (period: number, count: number): number => (period * (count - 1) ** 2) / count;

/** The parts up to the first that is read outside of all of them; `readers` are the last that read each box. */
function countInside(readers: readonly number[], from: number, period: number, most: number): number {
  const to = from + most * period;
  for (let at = from; at < to - period; at++) if (readers[at]! >= to) return Math.floor((at - from) / period) + 1;
  return most;
}

/** Tests whether a block begins and one ends with a repeat, by names. */
function isBlocks(boxes: readonly RepeatBox[], { from, period, count }: Repeat): boolean {
  const blockAt = (at: number) => blockName(boxes[at]?.name ?? "");
  const to = from + period * count;
  return blockAt(from) !== undefined && blockAt(from) !== blockAt(from - 1) && blockAt(to - 1) !== blockAt(to);
}
