import type { DeformablePSROIPoolingParameter } from "../../caffe/messages.js";
import { constant, constantOf, type Value } from "../../graph/index.js";
import {
  add,
  and,
  cast,
  div,
  gather,
  greaterOrEqual,
  matMul,
  max,
  min,
  mul,
  reduceSum,
  reshape,
  roundAway,
  slice,
  stopGradient,
  sub,
  transpose,
} from "../../ops/index.js";
import { REGIONS } from "../implied.js";
import { bottomText, computeLayer, type Site } from "../layer.js";
import { linearShares } from "./linear-shares.js";
import { itemsOfBoxes, sensitiveMaps } from "./psroi-pooling.js";

type P = DeformablePSROIPoolingParameter;

/** The least size of a box, in entries of the map. */
const LEAST_SIZE = 0.1;

/**
 * DeformablePSROIPooling (Deformable R-FCN): as PSROIPooling, each cell the mean of sample_per_part x sample_per_part bilinear samples,
 * moved by an offset: trans_std times the box's size times the entry of its part of the box. x [n, output_dim*g*g, h, w], boxes [r, 5],
 * offsets [r, 2*classes, part_size, part_size] of columns, then rows, for each class's share of the channels (none with `no_trans`), y
 * [r, output_dim, g, g]. Samples more than half an entry outside count for nothing. Boxes have no gradient.
 * Source: makefile/frcnn, deformable_psroi_pooling_layer.cpp; Dai et al. 2017, Deformable convolutional networks.
 */
export const DeformablePSROIPooling = computeLayer({
  type: "DeformablePSROIPooling",
  param: "deformable_psroi_pooling_param",
  bottoms: [2, 3],
  implies: () => REGIONS,
  tops: 1,
  exact: true,
  lower(site) {
    const { x, rois, classes } = checked(site);
    const { output_dim: dims, group_size: g } = site.param;
    const [n, , h, w] = x.type.shape as [number, number, number, number];
    const r = rois.type.shape[0]!;
    const rows = axisOf(site, rois, { first: 2, classes, size: h });
    const columns = axisOf(site, rois, { first: 1, classes, size: w });
    const own = dims / classes;
    const cells = classes * g * g;
    // Rows of all items under each other, of which a box has those of its own: [cells, r, n * h].
    const items = reshape(itemsOfBoxes(rois, n), [r, 1, n, 1]);
    const ownRows = reshape(transpose(mul(reshape(rows.shares, [r, cells, 1, h]), items), [1, 0, 2, 3]), [
      cells,
      r,
      n * h,
    ]);
    const maps = transpose(reshape(x, [n, classes, own, g * g, h, w]), [1, 3, 0, 4, 2, 5]);
    const overRows = reshape(matMul(ownRows, reshape(maps, [cells, n * h, own * w])), [cells, r, own, w]);
    const ofColumns = reshape(transpose(reshape(columns.shares, [r, cells, w]), [1, 0, 2]), [cells, r, 1, w]);
    const sums = reduceSum(mul(overRows, ofColumns), [3]);
    const number = reshape(transpose(reshape(mul(rows.number, columns.number), [r, cells]), [1, 0]), [cells, r, 1]);
    const mean = reshape(div(sums, max(number, constant(1))), [classes, g, g, r, own]);
    return { tops: [reshape(transpose(mean, [3, 0, 4, 1, 2]), [r, dims, g, g])] };
  },
});

function checked(site: Site<P>) {
  const { param, bottoms, error, bottomError } = site;
  const { output_dim: dims, group_size: g, no_trans } = param;
  if (dims <= 0 || g <= 0)
    throw error("output_dim and group_size must be greater than 0", dims <= 0 ? "output_dim" : "group_size");
  const { x, rois: boxes } = sensitiveMaps(site);
  if (param.sample_per_part <= 0) throw error("sample_per_part must be greater than 0", "sample_per_part");
  const rois = stopGradient(boxes);
  const offsets = bottoms[2];
  if (no_trans) return { x, rois, classes: 1 };
  if (!offsets) throw error("the offsets are missing, a third bottom", "bottom", ["without them give no_trans: true"]);
  const part = partsOf(param);
  const { shape } = offsets.type;
  const classes = (shape[1] ?? 0) / 2;
  if (
    shape.join() !== [rois.type.shape[0], 2 * classes, part, part].join() ||
    !Number.isInteger(classes) ||
    classes < 1
  )
    throw bottomError(
      2,
      `${bottomText(site, 2)} are not offsets [${rois.type.shape[0]}, 2 * classes, ${part}, ${part}]`,
    );
  if (dims % classes !== 0) throw bottomError(2, `${classes} classes do not share ${dims} channels`);
  return { x, rois, classes };
}

/** Parts of a box that have offsets, along each axis. */
const partsOf = ({ part_size: part, group_size: g }: P) => part || g;

/** Axis of the samples: the column of the boxes that it begins in, classes with offsets of their own, and the map's size. */
interface AxisSpec {
  readonly first: 1 | 2;
  readonly classes: number;
  readonly size: number;
}

/** Shares [r, classes, g, g, size] of the entries of an axis in the samples of each cell, and the number of these inside [r, classes, g, g]. */
function axisOf(site: Site<P>, rois: Value, { first, classes, size }: AxisSpec) {
  const { spatial_scale: scale, group_size: g, sample_per_part: samples, trans_std } = site.param;
  const r = rois.type.shape[0]!;
  const corner = (i: number) => roundAway(slice(rois, 1, i, i + 1));
  const start = sub(mul(corner(first), constant(scale)), constant(0.5));
  const end = sub(mul(add(corner(first + 2), constant(1)), constant(scale)), constant(0.5));
  const extent = max(sub(end, start), constant(LEAST_SIZE));
  // Rows of cells are the third axis, columns the fourth.
  const along = first === 2 ? [1, 1, g, 1, samples] : [1, 1, 1, g, samples];
  const within = constant(
    Float32Array.from({ length: g * samples }, (_, i) => i / (g * samples)),
    along,
  );
  const five = (value: Value) => reshape(value, [r, 1, 1, 1, 1]);
  const still = add(five(start), mul(five(extent), within));
  const offsets = site.param.no_trans ? undefined : offsetsOf(site, classes, first === 1 ? 0 : 1);
  const moved = offsets
    ? add(still, mul(five(extent), mul(reshape(offsets, [r, classes, g, g, 1]), constant(trans_std))))
    : add(still, constant(0, [1, 1, g, g, 1]));
  const fixed = stopGradient(moved);
  const inside = cast(
    and(greaterOrEqual(fixed, constant(-0.5)), greaterOrEqual(constant(size - 0.5), fixed)),
    "float32",
  );
  const places = reshape(min(max(moved, constant(0)), constant(size - 1)), [r, classes, g, g, samples, 1]);
  const share = linearShares(places, size);
  const counted = mul(share, reshape(inside, [r, classes, g, g, samples, 1]));
  return { shares: reduceSum(counted, [4]), number: reduceSum(inside, [4]) };
}

/** Offsets [r, classes, g, g] of one axis for each cell. */
function offsetsOf(site: Site<P>, classes: number, axis: 0 | 1): Value {
  const g = site.param.group_size;
  const part = partsOf(site.param);
  const all = site.bottoms[2]!;
  const r = all.type.shape[0]!;
  const own = reshape(slice(reshape(all, [r, classes, 2, part, part]), 2, axis, axis + 1), [r, classes, part, part]);
  if (part === g) return own;
  const cells = Array.from({ length: g }, (_, i) => Math.floor((i / g) * part));
  const index = constantOf("int64", BigInt64Array.from(cells, BigInt), [g]);
  return gather(gather(own, index, 2), index, 3);
}
