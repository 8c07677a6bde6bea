import { has } from "../../caffe/message.js";
import { constant, count, type Value } from "../../graph/index.js";
import { add, div, moments, reshape, sqrt } from "../../ops/index.js";
import { bottomText, computeLayer, type Place } from "../layer.js";

/** y = (x - mean) / sqrt(variance + eps) over each of `groups` runs of channels of each item. x [n, c, ...]. */
function normalized(x: Value, groups: number, eps: number): Value {
  const { shape } = x.type;
  const rows = reshape(x, [shape[0]! * groups, count(shape, 1) / groups]);
  const { centred, variance } = moments(rows, [1]);
  return reshape(div(centred, sqrt(add(variance, constant(eps)))), shape);
}

function channelsOf(place: Place<unknown>): number {
  const { shape } = place.bottoms[0]!.type;
  if (shape.length < 2) throw place.bottomError(0, `${bottomText(place, 0)} has no channels, axis 1`);
  return shape[1]!;
}

/**
 * GroupNorm: y = (x - mean) / sqrt(variance + eps) over each of `group_num` (or `group_ratio`) groups of channels of each item.
 * x [n, c, ...]. A trainable scale and bias are a Scale layer's.
 */
export const GroupNorm = computeLayer({
  type: "GroupNorm",
  param: "group_norm_param",
  bottoms: 1,
  tops: 1,
  lower(site) {
    const { param } = site;
    const field = has(param, "group_ratio") ? "group_ratio" : "group_num";
    const groups = param[field];
    const channels = channelsOf(site);
    if (groups < 1 || channels % groups !== 0)
      throw site.error(`${field} ${groups} does not divide the ${channels} channels`, field);
    return { tops: [normalized(site.bottoms[0]!, groups, param.eps)] };
  },
});

/** LayerNorm: y = (x - mean) / sqrt(variance + eps) over all of each item. x [n, ...]. */
export const LayerNorm = computeLayer({
  type: "LayerNorm",
  param: "layer_norm_param",
  bottoms: 1,
  tops: 1,
  lower: (site) => ({ tops: [normalized(site.bottoms[0]!, 1, site.param.eps)] }),
});

/** Constant that InstanceNorm adds to a variance. */
const INSTANCE_EPS = 1e-4;

/** InstanceNorm: y = (x - mean) / sqrt(variance + 1e-4) over each channel of each item. x [n, c, ...]. */
export const InstanceNorm = computeLayer({
  type: "InstanceNorm",
  param: null,
  bottoms: 1,
  tops: 1,
  lower: (site) => ({ tops: [normalized(site.bottoms[0]!, channelsOf(site), INSTANCE_EPS)] }),
});
