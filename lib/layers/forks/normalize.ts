import { create, has, sub } from "../../caffe/message.js";
import type { LayerParameter } from "../../caffe/messages.js";
import { constant, type Value } from "../../graph/index.js";
import { abs, add, div, mul, reduceSum, reshape, sqrt, stopGradient } from "../../ops/index.js";
import { computeLayer, type Site } from "../layer.js";

const ONE = create("FillerParameter", { type: "constant", value: 1 });

/** Tests whether a Normalize layer is SSD's, which gives norm_param; that of the face forks has no blob. */
const isScaled = (layer: LayerParameter): boolean => layer.norm_param !== null;

/**
 * Normalize, in both meanings. SSD's, with norm_param: y = scale * x / sqrt(sum of x^2 + eps), the sum over channels at each place,
 * or (`across_spatial`) over all of an item; scale is trainable, one for all (`channel_shared`) or [c]. That of caffe-windows
 * (NormFace, AM-softmax) has no scale: y = x / sqrt(sum of x^2 over channels + 1e-6), or by the sum of |x| for `normalize_type: "L1"`;
 * a second top is the divisor [n, 1, ...], with a gradient where `bp_norm`. x [n, c, ...].
 */
export const Normalize = computeLayer({
  type: "Normalize",
  param: "norm_param",
  also: ["normalize_param"],
  bottoms: 1,
  tops: [1, 2],
  blobs({ layer, param, bottoms }) {
    if (!isScaled(layer)) return [];
    const shape = param.channel_shared ? [] : [bottoms[0]!.type.shape[1]!];
    return [{ shape, filler: has(param, "scale_filler") ? sub(param, "scale_filler") : ONE }];
  },
  lower(site) {
    const { bottoms, blobs, param, bottomError } = site;
    const x = bottoms[0]!;
    const { shape } = x.type;
    if (shape.length < 2) throw bottomError(0, `Normalize takes a blob of 2 axes or more, not [${shape}]`);
    if (!isScaled(site.layer)) return { tops: lengthOne(site, x) };
    if (site.topCount > 1) throw site.error("a Normalize layer with norm_param has one top", "top");
    const axes = shape.map((_, axis) => axis).slice(1);
    const sum = reduceSum(mul(x, x), param.across_spatial ? axes : [1], true);
    const scale = param.channel_shared ? blobs[0]! : reshape(blobs[0]!, [shape[1]!, ...axes.slice(1).map(() => 1)]);
    return { tops: [mul(div(x, sqrt(add(sum, constant(param.eps)))), scale)] };
  },
});

/** Keeps rows of zeros from dividing by 0. */
const LEAST = constant(1e-6);

function lengthOne(site: Site<unknown>, x: Value): readonly Value[] {
  const { normalize_type: type, bp_norm: reaches, fix_gradient: isFixed } = sub(site.layer, "normalize_param");
  if (isFixed && site.phase === "TRAIN")
    throw site.error("fix_gradient, with gradients other than the formula's, is not supported", "normalize_param");
  if (type !== "L2" && type !== "L1")
    throw site.error(`normalize_type "${type}" is none of "L2" and "L1"`, "normalize_param");
  const sum = add(reduceSum(type === "L2" ? mul(x, x) : abs(x), [1], true), LEAST);
  const norm = type === "L2" ? sqrt(sum) : sum;
  const y = div(x, norm);
  return site.topCount > 1 ? [y, reaches ? norm : stopGradient(norm)] : [y];
}
