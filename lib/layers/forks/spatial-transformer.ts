import { has, sub as message } from "../../caffe/message.js";
import type { SpatialTransformerParameter } from "../../caffe/messages.js";
import { constant, count, type Value } from "../../graph/index.js";
import { add, expand, floor, greater, mul, reshape, slice, stopGradient, sub, where } from "../../ops/index.js";
import { entriesAt } from "../bilinear.js";
import { bottomText, computeLayer, type Place, unsupported } from "../layer.js";
import { withSlope } from "../slope.js";

const THETAS = ["theta_1_1", "theta_1_2", "theta_1_3", "theta_2_1", "theta_2_2", "theta_2_3"] as const;

/**
 * SpatialTransformer (daerduoCarey): y(i, j) = x at ((p + 1) / 2 h, (q + 1) / 2 w) by bilinear interpolation, x being 0 outside;
 * p = t11 u + t12 v + t13, q = t21 u + t22 v + t23 with u = 2 i / H - 1, v = 2 j / W - 1. x [n, c, h, w], y [n, c, H, W] with H, W
 * from output_H and output_W; theta [n, 6] without those that the layer gives. `to_compute_dU: false` stops x's gradient.
 */
export const SpatialTransformer = computeLayer({
  type: "SpatialTransformer",
  param: "st_param",
  bottoms: 2,
  tops: 1,
  exact: true,
  topShapes(layer, shapeOf) {
    const x = shapeOf(0);
    return [x?.length === 4 ? [...x.slice(0, 2), ...sizeOf(message(layer, "st_param"), x)] : undefined];
  },
  lower(site) {
    const { param } = site;
    const { shape } = site.bottoms[0]!.type;
    if (shape.length !== 4) throw site.bottomError(0, `${bottomText(site, 0)} does not have 4 axes`);
    if (param.transform_type !== "affine")
      throw unsupported(site.error("transform_type is not affine", "transform_type"));
    if (param.sampler_type !== "bilinear")
      throw unsupported(site.error("sampler_type is not bilinear", "sampler_type"));
    const [n, c, h, w] = shape as [number, number, number, number];
    const size = sizeOf(param, shape);
    const x = param.to_compute_dU ? site.bottoms[0]! : stopGradient(site.bottoms[0]!);
    const theta = thetas(site);
    const k = size[0] * size[1];
    const grid = (axis: 0 | 1) => {
      const at = (i: number) => (axis === 0 ? Math.floor(i / size[1]) : i % size[1]);
      return constant(
        Float32Array.from({ length: k }, (_, i) => (at(i) / size[axis]) * 2 - 1),
        [1, k],
      );
    };
    const place = (first: number, dim: number) => {
      const p = add(add(mul(theta[first]!, grid(0)), mul(theta[first + 1]!, grid(1))), theta[first + 2]!);
      return expand(mul(add(p, constant(1)), constant(dim / 2)), [n, k]);
    };
    const [rows, columns] = [neighbours(place(0, h)), neighbours(place(3, w))];
    const parts = rows.flatMap((row) =>
      columns.map((column) =>
        mul(entriesAt(x, row.at, column.at, "zero"), reshape(mul(row.weight, column.weight), [n, 1, k])),
      ),
    );
    return { tops: [reshape(parts.reduce(add), [n, c, ...size])] };
  },
});

/** Height and width of y: the layer's own, or those of x. */
const sizeOf = (param: SpatialTransformerParameter, [, , h, w]: readonly number[]) =>
  [has(param, "output_H") ? param.output_H : h!, has(param, "output_W") ? param.output_W : w!] as const;

/** The six numbers, each [n, 1]: the layer's own, and in order those of the second bottom. */
function thetas(site: Place<SpatialTransformerParameter>): readonly Value[] {
  const { param, bottoms } = site;
  const given = bottoms[1]!;
  const n = bottoms[0]!.type.shape[0]!;
  const open = THETAS.filter((name) => !has(param, name));
  if (given.type.shape[0] !== n || count(given.type.shape) !== n * open.length)
    throw site.bottomError(
      1,
      `${bottomText(site, 1)} is not [${n},${open.length}], the numbers that the layer does not give`,
    );
  const rows = reshape(given, [n, open.length]);
  return THETAS.map((name) => {
    const i = open.indexOf(name);
    return i < 0 ? constant(param[name]) : slice(rows, 1, i, i + 1);
  });
}

/** The entries below and above a place and their weights; on an entry the authors' slope is that of the weight growing. */
function neighbours(place: Value) {
  const low = floor(stopGradient(place));
  const part = sub(place, low);
  const isBetween = greater(stopGradient(part), constant(0));
  const slope = (between: number, on: number) => where(isBetween, constant(between), constant(on));
  const fixed = stopGradient(part);
  return [
    { at: low, weight: withSlope(sub(constant(1), fixed), place, slope(-1, 1)) },
    { at: add(low, constant(1)), weight: withSlope(fixed, place, slope(1, 0)) },
  ];
}
