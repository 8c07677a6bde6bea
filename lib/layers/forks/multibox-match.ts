import { arange, constant, type Value } from "../../graph/index.js";
import {
  add,
  and,
  cast,
  div,
  equal,
  expand,
  gather,
  greater,
  greaterOrEqual,
  loop,
  max,
  min,
  mul,
  neg,
  not,
  reduceMax,
  reduceSum,
  reshape,
  slice,
  sub,
  topK,
  transpose,
  where,
  zeros,
} from "../../ops/index.js";

/** Overlaps up to this one are none, as in SSD's Caffe. */
const LEAST_OVERLAP = 1e-6;
/** Greater than every index. */
const BEYOND = 1e9;

/** Boxes of the ground truth of all items, and what they are compared with. */
export interface Candidates {
  /** Corners [g, 4]. */
  readonly truth: Value;
  /** Mask of the boxes that belong to each item: float32 0 or 1 [n, g]. */
  readonly owners: Value;
  /** Corners [p, 4], or [g, p, 4] where each box is compared with others. */
  readonly priors: Value;
  /** Priors that are matched with nothing: float32 0 or 1 [p], or [g, p]. */
  readonly barred: Value | undefined;
}

/** Match of each prior of each item, [n, p]. */
export interface Matches {
  /** Float32 0 or 1. */
  readonly matched: Value;
  /** The row of the ground truth as float32; 0 where there is no match. */
  readonly index: Value;
  /** The overlap with the match, or the greatest where there is none. */
  readonly overlap: Value;
}

/** Intersection over union of boxes a [.., 4] and b [.., 4], which broadcast; 0 for boxes that do not meet. */
export function jaccard(a: Value, b: Value): Value {
  const rank = Math.max(a.type.shape.length, b.type.shape.length);
  const side = (x: Value, i: number) => slice(x, x.type.shape.length - 1, i, i + 1);
  const positive = (x: Value) => max(x, constant(0));
  const area = (x: Value) => mul(positive(sub(side(x, 2), side(x, 0))), positive(sub(side(x, 3), side(x, 1))));
  const [width, height] = [0, 1].map((i) =>
    positive(sub(min(side(a, i + 2), side(b, i + 2)), max(side(a, i), side(b, i)))),
  ) as [Value, Value];
  const shared = mul(width, height);
  const meet = greater(shared, constant(0));
  const union = sub(add(area(a), area(b)), shared);
  const quotient = where(meet, div(shared, where(meet, union, constant(1))), constant(0));
  return reshape(quotient, quotient.type.shape.slice(0, rank - 1));
}

/**
 * SSD's matching. First each box of an item gets a prior of its own: the pair of the greatest overlap, then the greatest of what is
 * left, and so on. Then, where there is a `threshold`, each prior that is left gets the box that overlaps it most, by at least that.
 */
export function matchBoxes({ truth, owners, priors, barred }: Candidates, threshold: number | undefined): Matches {
  const [g, p, n] = [truth.type.shape[0]!, priors.type.shape.at(-2)!, owners.type.shape[0]!];
  const all = jaccard(reshape(truth, [g, 1, 4]), reshape(priors, [priors.type.shape.length === 2 ? 1 : g, p, 4]));
  const counted = where(greater(all, constant(LEAST_OVERLAP)), all, constant(0));
  const overlaps = barred ? mul(counted, sub(constant(1), barred)) : counted;
  const best = greatest(overlaps, owners);
  const own = bipartite(overlaps, owners, best.overlap);
  if (threshold === undefined) return own;
  const isLeft = not(greater(own.matched, constant(0)));
  const enough = and(greaterOrEqual(best.overlap, constant(threshold)), greater(best.overlap, constant(0)));
  const more = and(isLeft, enough);
  return {
    matched: add(own.matched, cast(more, "float32")),
    index: where(more, best.index, own.index),
    overlap: own.overlap,
  };

  /** For each item, the greatest overlap of each prior with its boxes, and the first such box. One item after another, to save memory. */
  function greatest(values: Value, itemOwners: Value) {
    const { scans } = loop(n, { carried: [], captured: [values, itemOwners] }, (item, _, [overlap, belong]) => {
      const top = topK(mul(overlap!, reshape(gather(belong!, item, 0), [g, 1])), 0, 1);
      return { carried: [], scans: [reshape(top.values, [p]), cast(reshape(top.indices, [p]), "float32")] };
    });
    return { overlap: scans[0]!, index: scans[1]! };
  }
}

/** Pairs of boxes and priors, greatest overlap first; of equal ones the first prior, and its first box. One pair an item and round. */
function bipartite(overlaps: Value, owners: Value, overlap: Value): Matches {
  const [n, g] = owners.type.shape as [number, number];
  const p = overlaps.type.shape[1]!;
  const start = [zeros([n, p]), zeros([n, p]), overlap, zeros([g])];
  const captured = [overlaps, owners, reshape(topK(owners, 0, 1).indices, [g])];
  const { carried } = loop(g, { carried: start, captured }, (_, state, [all, belong, items]) => {
    const [matched, index, sofar, done] = state as [Value, Value, Value, Value];
    // Boxes of no item take a row that is not theirs; nothing asks for them.
    const taken = gather(matched, items!, 0);
    const free = mul(mul(all!, sub(constant(1), taken)), reshape(sub(constant(1), done), [g, 1]));
    const perBox = topK(free, 1, 1);
    const value = mul(transpose(perBox.values, [1, 0]), belong!);
    const prior = cast(transpose(perBox.indices, [1, 0]), "float32");
    const most = reduceMax(value, [1], true);
    const found = greater(most, constant(0));
    const isMost = and(and(greaterOrEqual(value, most), greater(belong!, constant(0))), found);
    const first = topK(neg(where(isMost, expand(prior, [n, g]), constant(BEYOND))), 1, 1);
    const box = cast(first.indices, "float32");
    const chosen = and(equal(arange(p), neg(first.values)), found);
    const isBox = mul(cast(equal(arange(g), box), "float32"), cast(found, "float32"));
    return {
      carried: [
        add(matched, cast(chosen, "float32")),
        where(chosen, box, index),
        where(chosen, most, sofar),
        add(done, reduceSum(isBox, [0])),
      ],
    };
  });
  return { matched: carried[0]!, index: carried[1]!, overlap: carried[2]! };
}
