import type { L1LossParameter } from "../../caffe/messages.js";
import { constant, sameShape, type Value } from "../../graph/index.js";
import {
  abs,
  add,
  cast,
  div,
  equal,
  greaterOrEqual,
  mul,
  reduceSum,
  sqrt,
  stopGradient,
  sub,
  sumAll,
  where,
} from "../../ops/index.js";
import { bottomText, computeLayer, legacyShape, type Site } from "../layer.js";
import { withSlope } from "../slope.js";

/**
 * L1Loss (FlowNet): sum of |d| / n, d = a - b, or a where there is one bottom; with `l2_per_location` sum over places of
 * sqrt(|d|^2 + epsilon), the square summed over channels (their mean with `l2_prescale_by_channels`). [n, c, h, w], a scalar.
 * Entries that are no number (labels that are not known) count for nothing, as do those below `plateau`. With
 * `normalize_by_num_entries` divided by the entries that are numbers, per channel. The slope of |d| at 0 is -1, as in the fork.
 */
export const L1Loss = computeLayer({
  type: "L1Loss",
  param: "l1_loss_param",
  bottoms: [1, 2],
  tops: 1,
  loss: true,
  inference: { as: "prediction" },
  lower(site) {
    const { param } = site;
    const { d, n, numbers } = differences(site);
    const by = param.normalize_by_num_entries ? numbers : constant(n);
    return { tops: [div(param.l2_per_location ? lengths(d, param) : absolute(d, param.plateau), by)] };
  },
});

/** d = a - b, or a where there is one bottom, 0 where it is no number; the batch size, and the entries that are numbers, per channel. */
export function differences(site: Site<unknown>): { readonly d: Value; readonly n: number; readonly numbers: Value } {
  const [a, b] = site.bottoms as [Value, Value | undefined];
  const [n, channels] = legacyShape(site, 0);
  if (b && !sameShape(b.type.shape, a.type.shape))
    throw site.bottomError(1, `${bottomText(site, 1)} and ${bottomText(site, 0)} differ in shape`);
  const raw = b ? sub(a, b) : a;
  const isNumber = equal(stopGradient(raw), stopGradient(raw));
  const d = where(isNumber, raw, constant(0));
  return { d, n, numbers: div(sumAll(cast(isNumber, "float32")), constant(channels)) };
}

function absolute(d: Value, plateau: number): Value {
  const size = stopGradient(abs(d));
  const slope = where(greaterOrEqual(constant(0), stopGradient(d)), constant(-1), constant(1));
  const each = withSlope(size, d, slope);
  return sumAll(plateau > 0 ? where(greaterOrEqual(size, constant(plateau)), each, constant(0)) : each);
}

function lengths(d: Value, { plateau, epsilon, l2_prescale_by_channels: mean }: L1LossParameter): Value {
  const sum = reduceSum(mul(d, d), [1]);
  const square = mean ? mul(sum, constant(1 / d.type.shape[1]!)) : sum;
  const size = stopGradient(square);
  const counted = plateau > 0 ? where(greaterOrEqual(size, constant(plateau * plateau)), square, constant(0)) : square;
  return sumAll(sqrt(add(counted, constant(epsilon))));
}
