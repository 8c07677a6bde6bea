import type { LpqLossParameter } from "../../caffe/messages.js";
import { constant, type Value } from "../../graph/index.js";
import {
  abs,
  add,
  div,
  greater,
  greaterOrEqual,
  mul,
  pow,
  reduceSum,
  stopGradient,
  sumAll,
  where,
} from "../../ops/index.js";
import { bottomText, computeLayer, type Site } from "../layer.js";
import { withSlope } from "../slope.js";
import { differences } from "./l1-loss.js";

/**
 * LpqLoss (FlowNet 2): sum over places of (sum over channels of (|d| + p_epsilon)^p + q_epsilon)^q / n, d = a - b, or a where there is
 * one bottom; with `l2_prescale_by_channels` the inner sum is a mean, with `normalize_by_num_entries` n is the number of entries that
 * are numbers, per channel. Entries that are no number count as d = 0. [n, c, h, w], a scalar. With several p and q each holds from
 * the iteration of `pq_episode_starts_at_iter` on; forwards in TRAIN are counted. The slope of |d| at 0 is -1, as in the fork.
 * Source: lmb-freiburg/flownet2, lpq_loss_layer.cpp and .cu.
 */
export const LpqLoss = computeLayer({
  type: "LpqLoss",
  param: "lpq_loss_param",
  bottoms: [1, 2],
  tops: 1,
  loss: true,
  inference: { as: "prediction" },
  lower(site) {
    const { param } = site;
    if (site.bottoms[0]!.type.shape.length < 2) throw site.bottomError(0, `${bottomText(site, 0)} has no channels`);
    const { d, n, numbers } = differences(site);
    const slope = where(greater(stopGradient(d), constant(0)), constant(1), constant(-1));
    const size = withSlope(stopGradient(abs(d)), d, slope);
    const { p, q, state } = exponents(site);
    const inner = reduceSum(pow(add(size, constant(param.p_epsilon)), p), [1]);
    const scaled = param.l2_prescale_by_channels ? mul(inner, constant(1 / d.type.shape[1]!)) : inner;
    const sum = sumAll(pow(add(scaled, constant(param.q_epsilon)), q));
    const loss = div(sum, param.normalize_by_num_entries ? stopGradient(numbers) : constant(n));
    return { tops: [loss], ...(state && { state }) };
  },
});

/** p and q of this forward, and the count of forwards where they change. Throws for lists that do not go together. */
function exponents(site: Site<LpqLossParameter>) {
  const { param, phase, error } = site;
  const { p, q, pq_episode_starts_at_iter: starts } = param;
  if (p.length !== q.length || p.length === 0)
    throw error(`${p.length} p and ${q.length} q are not as many, and at least one`, p.length === 0 ? "p" : "q");
  const begins = starts.length === 0 && p.length === 1 ? [0] : starts;
  const field = "pq_episode_starts_at_iter";
  if (begins.length !== p.length) throw error(`${begins.length} starts for ${p.length} p and q`, field);
  if (begins[0] !== 0 || begins.some((at, i) => i > 0 && at <= begins[i - 1]!))
    throw error("starts begin with 0 and rise", field);
  if (p.length === 1) return { p: constant(p[0]!), q: constant(q[0]!), state: undefined };
  // A test knows no iterations: as in the fork, whose test nets are at 0.
  if (phase === "TEST") return { p: constant(p[0]!), q: constant(q[0]!), state: undefined };
  const before = site.carry([]);
  const at = (values: readonly number[]) =>
    values
      .slice(1)
      .reduce<Value>(
        (value, next, i) => where(greaterOrEqual(before, constant(begins[i + 1]!)), constant(next), value),
        constant(values[0]!),
      );
  return { p: at(p), q: at(q), state: new Map([[before, add(before, constant(1))]]) };
}
