import { FlowWarpParameter_FillParameter as Fill } from "../../caffe/messages.js";
import { arange, constant, type Value } from "../../graph/index.js";
import {
  add,
  and,
  cast,
  expand,
  floor,
  gatherElements,
  greaterOrEqual,
  less,
  max,
  min,
  mul,
  reshape,
  slice,
  stopGradient,
  sub,
  where,
} from "../../ops/index.js";
import { bottomText, computeLayer } from "../layer.js";

/**
 * FlowWarp (FlowNet): y(n, c, i, j) = x at (i + v, j + u) by bilinear interpolation, (u, v) the flow at (i, j); `fill_value` where
 * that is outside of x. x [n, c, h, w], flow [n, 2, h, w]; y as x.
 */
export const FlowWarp = computeLayer({
  type: "FlowWarp",
  param: "flow_warp_param",
  bottoms: 2,
  tops: 1,
  exact: true,
  lower(site) {
    const [x, flow] = site.bottoms as [Value, Value];
    const { shape } = x.type;
    const [n, c, h, w] = shape as [number, number, number, number];
    if (shape.length !== 4) throw site.bottomError(0, `${bottomText(site, 0)} does not have 4 axes`);
    if (flow.type.shape.join() !== [n, 2, h, w].join())
      throw site.bottomError(1, `${bottomText(site, 1)} is no flow [${[n, 2, h, w]}] for ${bottomText(site, 0)}`);
    const columns = add(slice(flow, 1, 0, 1), arange(w, [1, 1, 1, w]));
    const rows = add(slice(flow, 1, 1, 2), arange(h, [1, 1, h, 1]));
    const flat = reshape(x, [n, c, h * w]);
    const at = (row: Value, column: Value) => {
      const index = reshape(cast(add(mul(row, constant(w)), column), "int64"), [n, 1, h * w]);
      return reshape(gatherElements(flat, expand(index, [n, c, h * w]), 2), shape);
    };
    const axis = (place: Value, size: number) => {
      const low = max(min(floor(stopGradient(place)), constant(size - 1)), constant(0));
      const part = sub(place, low);
      return { low, high: min(add(low, constant(1)), constant(size - 1)), part, rest: sub(constant(1), part) };
    };
    const [i, j] = [axis(rows, h), axis(columns, w)];
    const upper = add(mul(at(i.low, j.low), j.rest), mul(at(i.low, j.high), j.part));
    const lower = add(mul(at(i.high, j.low), j.rest), mul(at(i.high, j.high), j.part));
    const inside = [rows, columns].map((place, k) =>
      and(greaterOrEqual(stopGradient(place), constant(0)), less(stopGradient(place), constant(shape[2 + k]!))),
    );
    const fill = site.param.fill_value === Fill.NOT_A_NUMBER ? Number.NaN : 0;
    const value = add(mul(upper, i.rest), mul(lower, i.part));
    return { tops: [where(and(inside[0]!, inside[1]!), value, constant(fill))] };
  },
});
