import { constant, type Value } from "../../graph/index.js";
import {
  add,
  greater,
  less,
  mul,
  reduceMax,
  reduceSum,
  reshape,
  sigmoid,
  slice,
  softmax,
  sub,
  where,
} from "../../ops/index.js";
import { computeLayer } from "../layer.js";
import {
  yoloAnchors,
  predictedBoxes,
  firstOfBox,
  zeroOrOne,
  rowsAtIndices,
  isFar,
  sharedPart,
  laterOfBox,
  ownBoxes,
  deltasOf,
  readGrid,
  vector,
  rowsOfParts,
  sizeScale,
  sumOfSquares,
  yoloTargets,
} from "./yolo-truth.js";

/** Images of a training before which RegionLoss pulls every box to its anchor. */
const FIRST_IMAGES = 12800;
/** Factor of that pull. */
const PULL = 0.01;

/** Facts of both losses: predictions and boxes below them. */
const common = {
  bottoms: 2,
  tops: 1,
  exact: true,
  loss: true,
  noGradientTo: [1],
  inference: { as: "prediction" },
} as const;

/**
 * RegionLoss (MobileNet-YOLO, of YOLO v2): one grid of cells [n, num * (5 + num_class), side, side], of each box x, y, w, h,
 * objectness and classes, and boxes [n, 5 k] of (class, centre x, centre y, width, height) as parts of the image, up to a width of 0.
 * Each box of the truth belongs to the anchor of its cell that has its size best; delta is the authors': coord_scale (prediction -
 * truth) for the centre (times sigmoid's slope) and the logarithms of the size, object_scale (objectness - overlap), or - 1 without
 * `rescore`, class_scale (softmax - label); elsewhere noobject_scale objectness unless the box overlaps the truth by more than
 * `thresh`. The loss is the sum of delta^2 / n, and the gradient delta / n. Up to 12,800 images boxes are pulled to their anchors.
 */
export const RegionLoss = computeLayer({
  ...common,
  type: "RegionLoss",
  param: "region_loss_param",
  labels: ({ region_loss_param: param }) => boxLabels(param?.num_class ?? 20),
  lower(site) {
    const { param } = site;
    if (param.softmax_tree) throw site.error("trees of classes are not supported", "softmax_tree");
    const grid = readGrid(site, param.num, param.num_class);
    const anchors = yoloAnchors(site, param.num, grid.side);
    const { values, truth } = grid;
    const shares = {
      centre: sigmoid(slice(values, 2, 0, 2)),
      sizes: slice(values, 2, 2, 4),
      object: sigmoid(slice(values, 2, 4, 5)),
      classes: softmax(slice(values, 2, 5, 5 + param.num_class), 2),
    };
    const boxes = predictedBoxes(grid, shares, anchors);
    const slope = (p: Value) => mul(p, sub(constant(1), p));
    const own = ownBoxes(grid, (at) => {
      const size = param.bias_match ? vector(anchors.flat()) : slice(rowsAtIndices(boxes, at), 2, 2, 4);
      return reshape(size, [...(param.bias_match ? [1, 1] : [grid.n, grid.k]), param.num, 2]);
    });
    const here = (x: Value) => rowsAtIndices(x, own.index);
    const overlaps = sharedPart(here(boxes), truth.boxes);
    const target = yoloTargets(grid, own, anchors);
    const scale = param.rescore ? constant(param.coord_scale) : sizeScale(truth.boxes, param.coord_scale);
    const delta = {
      centre: mul(mul(sub(here(shares.centre), target.centre), slope(here(shares.centre))), scale),
      sizes: mul(sub(here(shares.sizes), target.sizes), scale),
      object: mul(
        mul(sub(here(shares.object), param.rescore ? overlaps : constant(1)), slope(here(shares.object))),
        constant(param.object_scale),
      ),
      classes: mul(sub(here(shares.classes), truth.classes), constant(param.class_scale)),
    };
    const before = site.carry([]);
    const isEarly = zeroOrOne(less(before, constant(Math.floor(FIRST_IMAGES / grid.n))));
    const pull = mul(isEarly, constant(PULL));
    const elsewhere = {
      centre: mul(mul(sub(shares.centre, constant(0.5)), slope(shares.centre)), pull),
      sizes: mul(shares.sizes, pull),
      object: mul(
        mul(mul(shares.object, slope(shares.object)), constant(param.noobject_scale)),
        isFar(boxes, truth, param.thresh),
      ),
    };
    const whole = deltasOf(
      grid,
      own,
      rowsOfParts(delta),
      rowsOfParts({ ...elsewhere, classes: mul(shares.classes, constant(0)) }),
    );
    return { tops: [sumOfSquares(grid, whole, whole)], state: new Map([[before, add(before, constant(1))]]) };
  },
});

/**
 * Yolov3 (MobileNet-YOLO): the loss of one grid of YOLO v3, whose anchors are those that `mask` names among `biases`, in pixels of an
 * image of side * anchors_scale. A box of the truth belongs to the anchor that has its size best among all, if it is one of the grid's.
 * delta is (sigmoid - target) for centres, objectness and classes, and (prediction - target) for logarithms of sizes, centres and sizes
 * times coord_scale * (2 - area), classes times class_scale; where a second box has the same cell and anchor its class gets
 * 1 - sigmoid, as the authors wrote it. Elsewhere objectness, unless the box overlaps the truth by more than `thresh`.
 * The loss is the sum of delta^2 / n; the gradient is delta / n, with `use_logic_gradient` times sigmoid's slope, objects then
 * weighing object_scale.
 */
export const Yolov3 = computeLayer({
  ...common,
  type: "Yolov3",
  param: "yolov3_param",
  labels: ({ yolov3_param: param }) => boxLabels(param?.num_class ?? 20),
  lower(site) {
    const { param } = site;
    const grid = readGrid(site, param.num, param.num_class);
    const all = yoloAnchors(site, param.biases.length / 2, grid.side * param.anchors_scale);
    const anchors = Array.from({ length: param.num }, (_, i) => {
      const anchor = all[param.mask[i] ?? -1];
      if (!anchor) throw site.error(`no anchor for box ${i}`, "mask");
      return anchor;
    });
    const { values, truth } = grid;
    const p = sigmoid(values);
    const shares = {
      centre: slice(p, 2, 0, 2),
      sizes: slice(values, 2, 2, 4),
      object: slice(p, 2, 4, 5),
      classes: slice(p, 2, 5, 5 + param.num_class),
    };
    const boxes = predictedBoxes(grid, shares, anchors);
    const own = ownBoxes(
      grid,
      () => reshape(vector(all.flat()), [1, 1, all.length, 2]),
      param.mask.slice(0, param.num),
    );
    const here = (x: Value) => rowsAtIndices(x, own.index);
    const target = yoloTargets(grid, own, anchors);
    const scale = sizeScale(truth.boxes, param.coord_scale);
    const first = reduceSum(mul(firstOfBox(own), reshape(truth.classes, [grid.n, 1, grid.k, param.num_class])), [2]);
    const others = reduceMax(mul(laterOfBox(own), reshape(truth.classes, [grid.n, 1, grid.k, param.num_class])), [2]);
    const classes = here(shares.classes);
    const delta = {
      centre: mul(sub(here(shares.centre), target.centre), scale),
      sizes: mul(sub(here(shares.sizes), target.sizes), scale),
      object: mul(sub(here(shares.object), constant(1)), constant(param.use_logic_gradient ? param.object_scale : 1)),
      classes: where(
        greater(others, constant(0)),
        sub(constant(1), classes),
        mul(sub(classes, first), constant(param.class_scale)),
      ),
    };
    const none = mul(values, constant(0));
    const elsewhere = {
      centre: slice(none, 2, 0, 2),
      sizes: slice(none, 2, 2, 4),
      object: mul(shares.object, isFar(boxes, truth, param.thresh)),
      classes: slice(none, 2, 5, 5 + param.num_class),
    };
    const whole = deltasOf(grid, own, rowsOfParts(delta), rowsOfParts(elsewhere));
    const isSize = vector(Array.from({ length: 5 + param.num_class }, (_, i) => (i === 2 || i === 3 ? 1 : 0)));
    const slope = where(greater(isSize, constant(0)), constant(1), mul(p, sub(constant(1), p)));
    return { tops: [sumOfSquares(grid, whole, param.use_logic_gradient ? mul(whole, slope) : whole)] };
  },
});

const boxLabels = (classes: number) => ({ bottom: 1, column: 0, classes });
