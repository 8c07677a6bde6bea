import type { HotspotParameter, SubRegionParameter } from "../../caffe/messages.js";
import { arange, constant, count, type Value } from "../../graph/index.js";
import {
  add,
  concat,
  exp,
  expand,
  floor,
  greater,
  mul,
  reshape,
  slice,
  stopGradient,
  sub,
  transpose,
  where,
} from "../../ops/index.js";
import { entriesAt } from "../bilinear.js";
import { bottomText, computeLayer, type Place } from "../layer.js";

/** Number of points of a blob [n, 2 * points], each x and then y. Throws for others. */
function pointsOf(place: Place<unknown>, bottom: number): number {
  const { shape } = place.bottoms[bottom]!.type;
  if (shape.length >= 2 && shape[1]! % 2 === 0 && count(shape, 2) === 1) return shape[1]! / 2;
  throw place.bottomError(bottom, `${bottomText(place, bottom)} is not [items, 2 * points]`);
}

/** x (0) or y (1) of each point of [n, 2 * points]: [n, points]. */
function coordinates(points: Value, which: 0 | 1): Value {
  const [n, twice] = points.type.shape as [number, number];
  return reshape(slice(reshape(points, [n, twice / 2, 2]), 2, which, which + 1), [n, twice / 2]);
}

/** Values of x and of y one after another: [n, points] each to [n, 2 * points]. */
function joined(x: Value, y: Value): Value {
  const [n, k] = x.type.shape as [number, number];
  return reshape(
    concat(
      [x, y].map((each) => reshape(each, [n, k, 1])),
      2,
    ),
    [n, 2 * k],
  );
}

const KEPT = 1e-4;

/**
 * Hotspot (caffe-windows): for each point of [n, 2p] a map [n, p, h, w] of the density of a normal distribution around it, of
 * `gaussian_std` entries, 0 where it is not above 1e-4. Points are in pixels of an image of data_width and data_height, from its
 * middle where mean_removed. Maps are of output_height and output_width, or of the second bottom's size. There is no gradient.
 * Source: happynear/caffe-windows, hotspot_layer.cpp.
 */
export const Hotspot = computeLayer({
  type: "Hotspot",
  param: "hotspot_param",
  bottoms: [1, 2],
  tops: 1,
  exact: true,
  noGradientTo: [0, 1],
  lower(site) {
    const { param, error } = site;
    const k = pointsOf(site, 0);
    const [height, width] = mapSize(site);
    if (!(param.data_height > 0 && param.data_width > 0))
      throw error("data_height and data_width must be greater than 0", "data_height");
    if (!(param.gaussian_std > 0)) throw error("gaussian_std must be greater than 0", "gaussian_std");
    const points = stopGradient(reshape(site.bottoms[0]!, [site.bottoms[0]!.type.shape[0]!, 2 * k]));
    const n = points.type.shape[0]!;
    const along = (which: 0 | 1, size: number, of: number) => {
      const place = mul(
        add(mul(coordinates(points, which), constant(1 / of)), constant(param.mean_removed ? 0.5 : 0)),
        constant(size),
      );
      const axes = which === 0 ? [1, size] : [size, 1];
      const distance = sub(reshape(place, [n, k, 1, 1]), arange(size, axes));
      return mul(distance, distance);
    };
    const square = add(along(0, width, param.data_width), along(1, height, param.data_height));
    const variance = param.gaussian_std ** 2;
    const density = mul(exp(mul(square, constant(-0.5 / variance))), constant(0.5 / variance / Math.PI));
    return { tops: [where(greater(density, constant(KEPT)), density, constant(0))] };
  },
});

function mapSize(place: Place<HotspotParameter>): readonly [number, number] {
  const { output_height: height, output_width: width } = place.param;
  if (height * width > 0) return [height, width];
  const { shape } = place.bottoms[1]?.type ?? { shape: [] };
  if (shape.length === 4) return [shape[2]!, shape[3]!];
  throw place.error("give output_height and output_width, or a second bottom of 4 axes", "output_height");
}

/**
 * SubRegion (caffe-windows): from x [n, c, h, w] the region of region_height and region_width around each point of bottom 1 [n, 2p],
 * in pixels of an image of data_width and data_height, from its middle; what lies outside of x is 0. The regions are items
 * [p * n, c, ...], those of a point together, or with another as_dim than 0 channels [n, p * c, ...]. Further tops: by how much the
 * points of bottom 2, from the image's middle, are off the regions' middles, and these middles, [n, 2p]. Points have no gradient, and
 * x has that of the entries that are taken; the fork's code for CPUs writes it into the top's.
 * Source: happynear/caffe-windows, sub_region_layer.cpp.
 */
export const SubRegion = computeLayer({
  type: "SubRegion",
  param: "sub_region_param",
  bottoms: 3,
  tops: [1, 3],
  exact: true,
  noGradientTo: [1, 2],
  lower(site) {
    const { param, topCount, error } = site;
    const x = site.bottoms[0]!;
    const { shape } = x.type;
    if (shape.length !== 4) throw site.bottomError(0, `${bottomText(site, 0)} does not have 4 axes`);
    if (topCount === 2) throw error("1 or 3 tops are needed, not 2", "top");
    const [n, c, h, w] = shape as [number, number, number, number];
    const k = checkedPoints(site);
    const { region_height: height, region_width: width, data_height, data_width } = param;
    const [points, truth] = site.bottoms.slice(1).map((each) => stopGradient(reshape(each, [n, 2 * k]))) as [
      Value,
      Value,
    ];
    const start = (which: 0 | 1, size: number, of: number, region: number) => {
      const centre = mul(add(mul(coordinates(points, which), constant(1 / of)), constant(0.5)), constant(size));
      return floor(sub(centre, constant(Math.floor(region / 2))));
    };
    const [x0, y0] = [start(0, w, data_width, width), start(1, h, data_height, height)];
    const places = k * height * width;
    const shape5 = [n, k, height, width];
    const rows = add(reshape(y0, [n, k, 1, 1]), arange(height, [height, 1]));
    const columns = add(reshape(x0, [n, k, 1, 1]), arange(width, [1, width]));
    const flat = (value: Value) => reshape(expand(value, shape5), [n, places]);
    const taken = reshape(entriesAt(x, flat(rows), flat(columns), "zero"), [n, c, k, height, width]);
    const regions =
      param.as_dim === 0
        ? reshape(transpose(taken, [2, 0, 1, 3, 4]), [k * n, c, height, width])
        : reshape(transpose(taken, [0, 2, 1, 3, 4]), [n, k * c, height, width]);
    if (topCount === 1) return { tops: [regions] };
    const middle = (first: Value, size: number, of: number, region: number) =>
      mul(add(first, constant(region / 2 + 0.5)), constant(of / size));
    const middles = joined(middle(x0, w, data_width, width), middle(y0, h, data_height, height));
    const half = joined(
      constant(new Float32Array(k).fill(Math.floor(data_width / 2)), [1, k]),
      constant(new Float32Array(k).fill(Math.floor(data_height / 2)), [1, k]),
    );
    return { tops: [regions, sub(add(truth, half), middles), middles] };
  },
});

/** The points that there are. Throws for bottoms and sizes that do not fit. */
function checkedPoints(place: Place<SubRegionParameter>): number {
  const { param, error } = place;
  const k = pointsOf(place, 1);
  if (pointsOf(place, 2) !== k)
    throw place.bottomError(2, `${bottomText(place, 2)} and ${bottomText(place, 1)} differ in their number of points`);
  const items = place.bottoms.map(({ type }) => type.shape[0]!);
  const other = items.findIndex((n) => n !== items[0]);
  if (other > 0)
    throw place.bottomError(other, `${bottomText(place, other)} and ${bottomText(place, 0)} differ in their items`);
  const fields = ["region_height", "region_width", "data_height", "data_width"] as const;
  const missing = fields.find((field) => !(param[field] > 0));
  if (missing) throw error(`${missing} must be greater than 0`, missing);
  return k;
}
