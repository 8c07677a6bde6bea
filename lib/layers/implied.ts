import type { LayerParameter } from "../caffe/messages.js";

/** The shape of a layer's bottom by its index; undefined where it is not known. */
export type KnownShape = (bottom: number) => readonly number[] | undefined;

/** Shapes that bottoms must have, by index: what a layer implies for those that bring data in. */
export type Implied = ReadonlyMap<number, readonly number[]>;

/** The same shape for all bottoms, as soon as one is known. */
export function alike({ bottom }: LayerParameter, shapeOf: KnownShape): Implied {
  const known = bottom.map((_, i) => shapeOf(i)).find((shape) => shape !== undefined);
  return new Map(known ? bottom.map((_, i) => [i, known]) : []);
}

/** The shape of the first bottom for the second one. */
export function secondLikeFirst(_: LayerParameter, shapeOf: KnownShape): Implied {
  const first = shapeOf(0);
  return new Map(first ? [[1, first]] : []);
}

/**
 * Labels in bottom 1 for predictions in bottom 0 with classes along `axis`: [n] for [n, classes], [n, 1, h, w] for
 * [n, classes, h, w], and else the predictions' axes without that of the classes.
 */
export function labelsFor(axis: number, shapeOf: KnownShape): Implied {
  const x = shapeOf(0);
  if (!x) return new Map();
  const at = axis < 0 ? axis + x.length : axis;
  const kept = at === 1 && x.length === 4 ? [1] : [];
  return new Map([[1, [...x.slice(0, at), ...kept, ...x.slice(at + 1)]]]);
}

/** One number in bottom `index` for each entry of the first bottom's first axis. */
export function onePerRow(index: number, shapeOf: KnownShape): Implied {
  const rows = shapeOf(0)?.[0];
  return new Map(rows === undefined ? [] : [[index, [rows]]]);
}

/** An indicator in bottom 1 for each step of each sequence of bottom 0 [steps, sequences, ...]. */
export function indicators(_: LayerParameter, shapeOf: KnownShape): Implied {
  const sequences = shapeOf(0)?.slice(0, 2);
  return new Map(sequences?.length === 2 ? [[1, sequences]] : []);
}

/** Rows of a batch index and a box in bottom 1; how many there are is the data's, one stands for them. */
export const REGIONS: Implied = new Map([[1, [1, 5]]]);

/** Height, width and scale of one image, in bottom 2. */
export const IMAGE_INFO: Implied = new Map([[2, [1, 3]]]);
