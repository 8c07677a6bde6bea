import { apply, constant, constantOf, type Op, type Value } from "../graph/index.js";
import {
  add,
  and,
  cast,
  ceil,
  div,
  floor,
  greater,
  greaterOrEqual,
  less,
  max,
  min,
  mul,
  roundAway,
  sub,
  where,
} from "./elementwise.js";
import { gather, gatherElements, scatterAdd, topK } from "./indexing.js";
import { loop } from "./loop.js";
import { reduceMax, reduceSum } from "./reduce.js";
import { expand, reshape, slice, zeros } from "./shape.js";

interface RoiPoolAttrs {
  readonly pooled: readonly [height: number, width: number];
  readonly scale: number;
}

/** The maximum of each cell of a grid laid over each box. x [n,c,h,w], boxes [r,5] of (item, x1, y1, x2, y2), y [r,c,...pooled]. */
export const MaxRoiPool: Op<RoiPoolAttrs> = {
  name: "MaxRoiPool",
  arity: 2,
  infer: ({ pooled }, x, rois) => [{ dtype: x!.dtype, shape: [rois!.shape[0]!, x!.shape[1]!, ...pooled] }],
  onnx: ({ attrs, inputs }) => ({
    opType: "MaxRoiPool",
    inputs,
    attributes: { pooled_shape: { ints: attrs.pooled }, spatial_scale: { f: attrs.scale } },
  }),
  vjp: ({ attrs, inputs }, dy) => [gradient(inputs[0]!, inputs[1]!, dy, attrs), null],
};

/** Below every value that a cell could have. */
const LOWEST = -3.4028234663852886e38;

const numbers = (n: number, from = 0) =>
  constant(
    Float32Array.from({ length: n }, (_, i) => i + from),
    [n],
  );
const int64s = (values: readonly number[], shape: readonly number[]) =>
  constantOf("int64", BigInt64Array.from(values, BigInt), shape);

/** Entries of an axis that belong to each cell of each box: float32 0 or 1 [r, cells, size]. Columns of a box: `from` and `to`. */
function cellsOf(rois: Value, scale: number, [from, to]: readonly [number, number], cells: number, size: number) {
  const edge = (i: number) => roundAway(mul(slice(rois, 1, i, i + 1), constant(scale)));
  const start = edge(from);
  const cell = div(max(add(sub(edge(to), start), constant(1)), constant(1)), constant(cells));
  const within = (x: Value) => reshape(max(min(x, constant(size)), constant(0)), [rois.type.shape[0]!, cells, 1]);
  const low = within(add(floor(mul(numbers(cells), cell)), start));
  const high = within(add(ceil(mul(numbers(cells, 1), cell)), start));
  const at = numbers(size);
  return cast(and(greaterOrEqual(at, low), less(at, high)), "float32");
}

/** The cells that have an entry, [r, 1, ph, pw]: 1, the others 0. */
function filledCells(rows: Value, columns: Value): Value {
  const [r, ph] = rows.type.shape as [number, number];
  const pw = columns.type.shape[1]!;
  const filled = (mask: Value) => cast(greater(reduceSum(mask, [2]), constant(0)), "float32");
  return mul(reshape(filled(rows), [r, 1, ph, 1]), reshape(filled(columns), [r, 1, 1, pw]));
}

/** `MaxRoiPool` in other operations, for a provider that has no kernel of it: box after box, by columns and then by rows. */
export function searchedMaxRoiPool({ pooled: [ph, pw], scale }: RoiPoolAttrs, x: Value, rois: Value): Value {
  const [, c, h, w] = x.type.shape as [number, number, number, number];
  const r = rois.type.shape[0]!;
  if (r === 0) return zeros([0, c, ph, pw]);
  const rows = cellsOf(rois, scale, [2, 4], ph, h);
  const columns = cellsOf(rois, scale, [1, 3], pw, w);
  const items = cast(reshape(slice(rois, 1, 0, 1), [r]), "int64");
  const captured = [x, rows, columns, items];
  const { scans } = loop(r, { carried: [], captured }, (box, _, [image, allRows, allColumns, allItems]) => {
    const of = (all: Value) => gather(all!, box, 0);
    const inside = (mask: Value, shape: readonly number[]) => greater(reshape(of(mask), shape), constant(0));
    const plane = reshape(gather(image!, of(allItems!), 0), [c, h, 1, w]);
    const across = reduceMax(where(inside(allColumns!, [1, 1, pw, w]), plane, constant(LOWEST)), [3]);
    const column = reshape(across, [c, 1, h, pw]);
    return { carried: [], scans: [reduceMax(where(inside(allRows!, [1, ph, h, 1]), column, constant(LOWEST)), [2])] };
  });
  return where(greater(filledCells(rows, columns), constant(0)), scans[0]!, constant(0));
}

/**
 * dy added where the maxima were: the first in row order of each cell, as Caffe keeps them. ONNX's pooling does not tell where, so
 * that each box is searched again, by columns and then by rows, box after box: all at once would take r * c * h * pooled_w * w numbers.
 */
function gradient(x: Value, rois: Value, dy: Value, { pooled: [ph, pw], scale }: RoiPoolAttrs): Value {
  const [n, c, h, w] = x.type.shape as [number, number, number, number];
  const r = rois.type.shape[0]!;
  if (r === 0) return zeros(x.type.shape);
  const rows = cellsOf(rois, scale, [2, 4], ph, h);
  const columns = cellsOf(rois, scale, [1, 3], pw, w);
  const items = cast(reshape(slice(rois, 1, 0, 1), [r]), "int64");
  const captured = [x, rows, columns, items];
  const found = loop(r, { carried: [], captured }, (box, _, [image, allRows, allColumns, allItems]) => {
    const of = (all: Value) => gather(all!, box, 0);
    const plane = reshape(gather(image!, of(allItems!), 0), [c, h, 1, w]);
    const inColumns = greater(reshape(of(allColumns!), [1, 1, pw, w]), constant(0));
    const across = topK(where(inColumns, plane, constant(LOWEST)), 3, 1);
    const inRows = greater(reshape(of(allRows!), [1, ph, h, 1]), constant(0));
    const down = topK(where(inRows, reshape(across.values, [c, 1, h, pw]), constant(LOWEST)), 2, 1);
    const row = reshape(down.indices, [c, ph, pw]);
    const column = gatherElements(reshape(across.indices, [c, h, pw]), row, 1);
    return { carried: [], scans: [add(mul(row, int64s([w], [])), column)] };
  });
  const size = r * c * ph * pw;
  const first = mul(
    add(mul(reshape(items, [r, 1]), int64s([c], [])), int64s([...Array(c).keys()], [1, c])),
    int64s([h * w], []),
  );
  const places = reshape(add(found.scans[0]!, reshape(first, [r, c, 1, 1])), [size]);
  const some = filledCells(rows, columns);
  const updates = reshape(mul(dy, expand(some, [r, 1, ph, pw])), [size]);
  return reshape(scatterAdd(zeros([n * c * h * w]), places, updates, 0), x.type.shape);
}

export const maxRoiPool = (x: Value, rois: Value, attrs: RoiPoolAttrs): Value => apply(MaxRoiPool, attrs, x, rois);
