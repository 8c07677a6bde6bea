import { constant, sameShape, type Value } from "../../graph/index.js";
import { abs, less, mul, reshape, sub, sumAll, where } from "../../ops/index.js";
import { alike } from "../implied.js";
import { computeLayer } from "../layer.js";

/**
 * SmoothL1Loss (Fast R-CNN): the sum of f(inside * (x - t)) * outside over all entries, divided by the batch size, where
 * f(d) = (sigma d)^2 / 2 for |d| < 1 / sigma^2, else |d| - 1 / (2 sigma^2). Bottoms x, t and, if given, inside and outside weights,
 * all of one shape; axes of 1 at the end may be missing, as in Fast R-CNN, which compares channels, height and width.
 */
export const SmoothL1Loss = computeLayer({
  type: "SmoothL1Loss",
  param: "smooth_l1_loss_param",
  bottoms: [2, 4],
  tops: 1,
  loss: true,
  implies: alike,
  inference: { as: "prediction" },
  lower({ bottoms, param, bottomError }) {
    const x = bottoms[0]!;
    bottoms.forEach(({ type }, i) => {
      if (!sameShape(padded(type.shape), padded(x.type.shape)))
        throw bottomError(i, `[${type.shape}] differs from [${x.type.shape}]`);
    });
    const [target, inside, outside] = bottoms.slice(1).map((value) => reshape(value, x.type.shape)) as [
      Value,
      Value?,
      Value?,
    ];
    const square = param.sigma * param.sigma;
    const difference = sub(x, target);
    const d = inside ? mul(difference, inside) : difference;
    const size = abs(d);
    const near = mul(mul(d, d), constant(square / 2));
    const each = where(less(size, constant(1 / square)), near, sub(size, constant(0.5 / square)));
    const sum = sumAll(outside ? mul(each, outside) : each);
    return { tops: [mul(sum, constant(1 / x.type.shape[0]!))] };
  },
});

/** A shape of four axes at least, as Caffe's older layers ask for it. */
const padded = (shape: readonly number[]): readonly number[] => [...shape, 1, 1, 1].slice(0, Math.max(4, shape.length));
