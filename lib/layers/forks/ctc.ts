import { arange, constant, count, type Value } from "../../graph/index.js";
import {
  add,
  cast,
  concat,
  div,
  equal,
  exp,
  expand,
  floor,
  gather,
  gatherElements,
  greater,
  greaterOrEqual,
  less,
  log,
  logSoftmax,
  loop,
  matMul,
  max,
  mul,
  neg,
  reduceMax,
  reduceSum,
  reshape,
  reverse,
  slice,
  softmax,
  stopGradient,
  sub,
  transpose,
  where,
} from "../../ops/index.js";
import { indicesOf } from "../indices.js";

/** The logarithm of no probability: far below every sum, and far from the least float. */
const NEVER = -1e30;

/** A condition as float32 0 or 1. */
export const zeroOne = (condition: Value) => cast(condition, "float32");
/** Sequences and what they should say. */
export interface Alignment {
  /** Activations before softmax [steps, n, classes]. */
  readonly x: Value;
  /** Steps of each sequence, float32 [n]. */
  readonly steps: Value;
  /** Class numbers [n, l], of which the first count. */
  readonly labels: Value;
  /** The number of those, float32 [n]. */
  readonly lengths: Value;
  /** The class of no label. */
  readonly blank: number;
}

/**
 * Connectionist temporal classification: of each sequence -log of the probability of its labels over all alignments, and the gradient
 * of their sum in x, softmax - posterior. Sequences too short for their labels cost 0 and have no gradient, as in warp-ctc; so do
 * those without steps.
 * Source: Graves et al. 2006, Connectionist temporal classification, equations 5 to 16.
 */
export function alignmentCosts({ x: source, steps, labels: given, lengths, blank }: Alignment) {
  const x = stopGradient(source);
  const [t, n, c] = x.type.shape as [number, number, number];
  const l = given.type.shape[1]!;
  const labels = where(less(arange(l), reshape(lengths, [n, 1])), given, constant(0));
  const u = 2 * l + 1;
  const spaced = (values: Value, between: Value) =>
    concat(
      [
        reshape(concat([expand(between, [n, l, 1]), reshape(values, [n, l, 1])], 2), [n, 2 * l]),
        reshape(expand(between, [n, 1, 1]), [n, 1]),
      ],
      1,
    );
  // Labels with blanks around each.
  const path = spaced(labels, constant(blank, [1, 1, 1]));
  const before = concat([expand(constant(-1, [1, 1]), [n, Math.min(2, u)]), slice(path, 1, 0, Math.max(0, u - 2))], 1);
  const skips = mul(zeroOne(notEqual(path, before)), spaced(expand(constant(1), [n, l]), constant(0, [1, 1, 1])));
  const ends = add(mul(lengths, constant(2)), constant(1));
  const inside = zeroOne(less(arange(u), reshape(ends, [n, 1])));
  const isLast = zeroOne(
    greater(mul(inside, zeroOne(greaterOrEqual(arange(u), sub(reshape(ends, [n, 1]), constant(2))))), constant(0)),
  );
  const logProb = logSoftmax(x, 2);
  const index = expand(reshape(indicesOf(path, c), [1, n, u]), [t, n, u]);
  const scores = gatherElements(logProb, index, 2);

  const shifted = (values: Value, by: number) => {
    const none = expand(constant(NEVER, [1, 1]), [n, Math.min(Math.abs(by), u)]);
    return by > 0
      ? concat([none, slice(values, 1, 0, Math.max(0, u - by))], 1)
      : concat([slice(values, 1, Math.min(-by, u), u), none], 1);
  };
  const either = (...values: readonly [Value, Value, Value]) => {
    const most = max(max(values[0], values[1]), values[2]);
    return add(most, log(values.map((value) => exp(sub(value, most))).reduce(add)));
  };
  const allowed = (values: Value, flags: Value) => where(greater(flags, constant(0)), values, constant(NEVER));
  const start = expand(
    constant(
      Float32Array.from({ length: u }, (_, i) => (i === 0 ? 0 : NEVER)),
      [1, u],
    ),
    [n, u],
  );
  const forward = loop(t, { carried: [start], captured: [scores, skips] }, (i, [sofar], [all, skip]) => {
    const sum = either(sofar!, shifted(sofar!, 1), allowed(shifted(sofar!, 2), skip!));
    // Floats stay above what no probability is.
    const next = max(add(sum, gather(all!, i, 0)), constant(NEVER));
    return { carried: [next], scans: [next] };
  }).scans[0]!;

  // From the last step back: of step i + 1 the sum and the scores.
  const last = sub(reshape(steps, [1, n, 1]), constant(1));
  const times = arange(t, [t, 1, 1]);
  const isEnd = zeroOne(equal(times, last));
  const backwardStart = expand(constant(NEVER), [n, u]);
  const scanned = loop(
    t,
    {
      carried: [backwardStart, backwardStart],
      captured: [reverse(scores, 0), reverse(isEnd, 0), skips, isLast],
    },
    (i, [sofar, after], [all, end, skip, final]) => {
      const ahead = add(sofar!, after!);
      const skipped = allowed(ahead, skip!);
      const sum = max(either(ahead, shifted(ahead, -1), shifted(skipped, -2)), constant(NEVER));
      const first = where(greater(final!, constant(0)), constant(0), constant(NEVER));
      const next = where(greater(gather(end!, i, 0), constant(0)), first, sum);
      return { carried: [next, gather(all!, i, 0)], scans: [next] };
    },
  ).scans[0]!;
  const backward = reverse(scanned, 0);

  const both = add(forward, backward);
  const most = reduceMax(both, [2], true);
  const total = add(most, log(reduceSum(exp(sub(both, most)), [2], true)));
  const atEnd = reduceSum(mul(isEnd, total), [0, 2]);
  const fits = zeroOne(greater(atEnd, constant(NEVER / 2)));
  const has = mul(fits, zeroOne(greater(steps, constant(0))));
  const costs = where(greater(has, constant(0)), neg(atEnd), constant(0));

  const counts = mul(reshape(has, [1, n, 1]), zeroOne(greaterOrEqual(last, times)));
  const posterior = mul(
    exp(sub(both, reshape(where(greater(has, constant(0)), atEnd, constant(0)), [1, n, 1]))),
    counts,
  );
  const isClass = zeroOne(equal(reshape(floor(path), [n, u, 1]), arange(c, [1, 1, c])));
  const perClass = transpose(matMul(transpose(posterior, [1, 0, 2]), isClass), [1, 0, 2]);
  const gradient = sub(mul(softmax(x, 2), counts), perClass);
  return { costs, gradient };
}

const notEqual = (a: Value, b: Value) => less(zeroOne(equal(a, b)), constant(0.5));

/** Numbers of steps before the first 0 after the beginning, float32 [n], of flags [steps, n]. */
export function stepsOf(flags: Value): Value {
  const [t, n] = [flags.type.shape[0]!, count(flags.type.shape, 1)];
  const rows = reshape(stopGradient(flags), [t, n]);
  const isRest = zeroOne(less(rows, constant(0.5)));
  const begins = where(equal(arange(t, [t, 1]), constant(0)), constant(0), isRest);
  return firstOne(begins);
}

/** The place of the first 1 along axis 0 of flags [steps, n], or the number of steps: float32 [n]. */
export function firstOne(flags: Value): Value {
  const t = flags.type.shape[0]!;
  const places = where(greater(flags, constant(0)), arange(t, [t, 1]), constant(t));
  return neg(reduceMax(neg(places), [0]));
}

/** Class numbers [n, l] with those that count first, in their order, and how many count. */
export function compacted(values: Value, counts: Value) {
  const [n, l] = values.type.shape as [number, number];
  const upTo = constant(
    Float32Array.from({ length: l * l }, (_, i) => (i % l > Math.floor(i / l) ? 1 : 0)),
    [l, l],
  );
  // The place of each among those that count.
  const place = matMul(counts, upTo);
  const goes = mul(zeroOne(equal(reshape(place, [n, l, 1]), arange(l, [1, 1, l]))), reshape(counts, [n, l, 1]));
  return { labels: reduceSum(mul(goes, reshape(values, [n, l, 1])), [1]), lengths: reduceSum(counts, [1]) };
}

/** A mean over sequences. */
export const meanOf = (costs: Value): Value => div(reduceSum(costs, [0]), constant(costs.type.shape[0]!));
