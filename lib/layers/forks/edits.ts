import { arange, constant, type Value } from "../../graph/index.js";
import {
  add,
  and,
  cast,
  concat,
  equal,
  expand,
  gather,
  gatherElements,
  greater,
  less,
  loop,
  mul,
  neg,
  not,
  or,
  reduceMax,
  reduceSum,
  reshape,
  slice,
  sub,
  where,
} from "../../ops/index.js";
import { zeroOne } from "./ctc.js";

/** More than any place. */
const FAR = 1e9;

/** Tables [t + 1, n, l + 1] of edit distances of the first entries of p [t, n] and w [n, l], and of entries that the edits keep. */
export function edits(p: Value, w: Value) {
  const [t, n] = p.type.shape as [number, number];
  const l = w.type.shape[1]!;
  const columns = arange(l + 1, [1, l + 1]);
  const starts = [expand(columns, [n, l + 1]), expand(constant(0, [1, 1]), [n, l + 1])];
  // How far a place lies behind another before it, or out of reach.
  const gap = (behind: (distance: number) => number) =>
    constant(
      Float32Array.from({ length: (l + 1) ** 2 }, (_, k) => {
        const distance = Math.floor(k / (l + 1)) - (k % (l + 1));
        return distance >= 0 ? behind(distance) : FAR;
      }),
      [l + 1, l + 1],
    );
  const { scans } = loop(t, { carried: starts, captured: [p, w] }, (i, [far, found], [rows, wanted]) => {
    const isSame = equal(wanted!, reshape(gather(rows!, i, 0), [n, 1]));
    const changed = add(slice(far!, 1, 0, l), zeroOne(not(isSame)));
    const above = add(slice(far!, 1, 1, l + 1), constant(1));
    const first = add(slice(far!, 1, 0, 1), constant(1));
    const least = concat([first, where(less(changed, above), changed, above)], 1);
    const next = neg(
      reduceMax(
        neg(
          add(
            reshape(least, [n, 1, l + 1]),
            gap((distance) => distance),
          ),
        ),
        [2],
      ),
    );
    const left = add(slice(next, 1, 0, l), constant(1));
    const changes = less(changed, above);
    const isChanged = and(changes, less(changed, left));
    const jumps = or(isChanged, and(not(changes), less(above, left)));
    const own = where(isChanged, add(slice(found!, 1, 0, l), zeroOne(isSame)), slice(found!, 1, 1, l + 1));
    const own0 = concat([constant(0, [n, 1]), own], 1);
    // Where the last edit is no insertion.
    const place = where(concat([greater(first, constant(-1)), jumps], 1), columns, constant(-1));
    const last = reduceMax(
      sub(
        reshape(place, [n, 1, l + 1]),
        gap(() => 0),
      ),
      [2],
    );
    const kept = gatherElements(own0, cast(last, "int64"), 1);
    return { carried: [next, kept], scans: [next, kept] };
  });
  const whole = (start: Value, rows: Value) => concat([reshape(start, [1, n, l + 1]), rows], 0);
  return { distance: whole(starts[0]!, scans[0]!), kept: whole(starts[1]!, scans[1]!) };
}

/** The entries of a table [t + 1, n, l + 1] at the lengths [n] of both sequences, [n]. */
export function entryAt(table: Value, rows: Value, columns: Value): Value {
  const [t, n, l] = table.type.shape as [number, number, number];
  const isRow = zeroOne(equal(arange(t, [t, 1, 1]), reshape(rows, [1, n, 1])));
  const isColumn = zeroOne(equal(arange(l, [1, 1, l]), reshape(columns, [1, n, 1])));
  return reduceSum(mul(mul(table, isRow), isColumn), [0, 2]);
}
