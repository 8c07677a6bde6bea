import { ReductionParameter_ReductionOp as Operation } from "../caffe/messages.js";
import { constant, count, type Value } from "../graph/index.js";
import { abs, mul, reduceSum, reshape } from "../ops/index.js";
import { canonicalAxis, computeLayer } from "./layer.js";

const before = {
  [Operation.SUM]: (x: Value) => x,
  [Operation.MEAN]: (x: Value) => x,
  [Operation.ASUM]: abs,
  [Operation.SUMSQ]: (x: Value) => mul(x, x),
} as const satisfies Record<Operation, (x: Value) => Value>;

/**
 * Reduction: the sum, sum of absolute values, sum of squares or mean over all axes from `axis` on, times `coeff`.
 * x [n..., k...] gives y [n...]; axis 0 gives a scalar.
 */
export const Reduction = computeLayer({
  type: "Reduction",
  param: "reduction_param",
  bottoms: 1,
  tops: 1,
  lower(site) {
    const { operation, coeff } = site.param;
    const x = site.bottoms[0]!;
    const { shape } = x.type;
    const axis = canonicalAxis(site, site.param.axis, shape.length);
    const inner = count(shape, axis);
    const rows = reshape(before[operation](x), [...shape.slice(0, axis), inner]);
    const sum = reduceSum(rows, [axis]);
    const factor = operation === Operation.MEAN ? Math.fround(coeff / inner) : coeff;
    return { tops: [factor === 1 ? sum : mul(sum, constant(factor))] };
  },
});
