import { count, type Value } from "../../graph/index.js";
import { add, mul, reshape, stopGradient, withGradientOf } from "../../ops/index.js";
import { bottomText, computeLayer } from "../layer.js";

/**
 * ChannelScale (NormFace): y = x s, x [n, c, ...] and s one number for each item and place, such as the lengths that a Normalize layer
 * gives. Without `do_forward` y = x; without `do_backward_feature` the gradient of x is that of y, without `do_backward_scale` s has
 * none. Source: happynear/caffe-windows, channel_scale_layer.cpp and .cu.
 */
export const ChannelScale = computeLayer({
  type: "ChannelScale",
  param: "channel_scale_param",
  bottoms: 2,
  tops: 1,
  sees: "place",
  lower(site) {
    const [x, s] = site.bottoms as [Value, Value];
    const { shape } = x.type;
    const { param, error } = site;
    if (param.global_scale)
      throw error("a scale for all, kept as a blob, is not supported", "global_scale", [
        "the fork's GPU code averages it in other ways than its CPU code",
      ]);
    const [n, channels, places] = [shape[0] ?? 1, shape[1] ?? 1, count(shape, 2)];
    if (count(s.type.shape) !== n * places)
      throw site.bottomError(
        1,
        `${bottomText(site, 1)} is not a number for each item and place of ${bottomText(site, 0)}`,
      );
    const [rows, scale] = [reshape(x, [n, channels, places]), reshape(s, [n, 1, places])];
    const value = param.do_forward ? mul(rows, scale) : rows;
    const feature = param.do_backward_feature ? mul(rows, stopGradient(scale)) : rows;
    const path = param.do_backward_scale ? add(feature, mul(stopGradient(rows), scale)) : feature;
    return { tops: [reshape(withGradientOf(value, path), shape)] };
  },
});
