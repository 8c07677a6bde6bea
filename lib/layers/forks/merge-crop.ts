import { MergeCropParameter_MergeOp as Operation } from "../../caffe/messages.js";
import { constant, type Value } from "../../graph/index.js";
import { add, concat, mul, slice, stopGradient } from "../../ops/index.js";
import { bottomText, computeLayer, type Site } from "../layer.js";

/**
 * MergeCrop (BVLC opencl): the middle of b [n, d, ...], of the size of a [n, c, ...], beside a as channels (STACK, [n, c + d, ...]) or
 * added to it (ADD, c = d). Of an odd difference in size the half is rounded down. `forward: 0` takes zeros for a bottom, and
 * `backward: 0` gives it no gradient; b has none unless `backward: 1 backward: 1` says so. The authors' kernels for STACK read other
 * channels where c and d differ; here they are all there, in order.
 * Source: 01org/caffe, mergecrop_layer.cpp and .cu.
 */
export const MergeCrop = computeLayer({
  type: "MergeCrop",
  param: "mergecrop_param",
  bottoms: 2,
  tops: 1,
  sees: "place",
  lower(site) {
    const { forward, backward, operation } = site.param;
    const flag = (given: readonly number[], defaults: readonly number[], i: number) => (given[i] ?? defaults[i]) !== 0;
    const parts = [site.bottoms[0]!, middle(site)].map((x, i) => {
      const from = flag(forward, [1, 1], i) ? x : mul(x, constant(0));
      return flag(backward, [1, 0], i) ? from : stopGradient(from);
    }) as [Value, Value];
    return { tops: [operation === Operation.ADD ? add(...parts) : concat(parts, 1)] };
  },
});

/** The middle of the second bottom, of the first one's size. */
function middle(site: Site<{ readonly operation: Operation }>): Value {
  const [a, b] = site.bottoms as [Value, Value];
  const [from, to] = [b.type.shape, a.type.shape];
  const isFit = (dim: number, axis: number) =>
    axis === 1
      ? site.param.operation !== Operation.ADD || from[1] === dim
      : axis === 0
        ? from[0] === dim
        : from[axis]! >= dim;
  if (to.length < 2 || from.length !== to.length || !to.every(isFit))
    throw site.bottomError(1, `${bottomText(site, 1)} has nothing of the size of ${bottomText(site, 0)} in its middle`);
  return to.slice(2).reduce((x, dim, i) => {
    const start = Math.floor((from[i + 2]! - dim) / 2);
    return slice(x, i + 2, start, start + dim);
  }, b);
}
