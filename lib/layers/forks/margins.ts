import { sub as message } from "../../caffe/message.js";
import type { LayerParameter } from "../../caffe/messages.js";
import { arange, constant, count, type Value } from "../../graph/index.js";
import {
  acos,
  add,
  and,
  clip,
  cos,
  div,
  equal,
  floor,
  greater,
  max,
  min,
  mul,
  not,
  reshape,
  sin,
  sqrt,
  stopGradient,
  sub,
  where,
  withGradientOf,
} from "../../ops/index.js";
import { type KnownShape, onePerRow } from "../implied.js";
import { labelsAfterBatch } from "../labels.js";
import { computeLayer, type Site } from "../layer.js";
import { checkBatch, checkOnePerEntry } from "../loss.js";
import { passFirst } from "./pass-first.js";

/** Cosines and angles stay this far from where slopes are infinite. */
const MARGIN = 1e-4;

/** Facts of margins on given cosines: labels below them, which inference does without. */
const common = {
  bottoms: 2,
  tops: 1,
  noGradientTo: [1],
  implies: (_: LayerParameter, shapeOf: KnownShape) => onePerRow(1, shapeOf),
  inference: { as: "layer", of: passFirst },
} as const;

/**
 * CombinedMargin (face recognition): cos(m1 * acos(x) + m2) - m3 at the label's entry of each row of cosines x [n, classes...], labels
 * [n], of which negative ones change nothing. As the authors train it, on GPUs: cosines count as at most 1 - 0.0001 away from 0, angles as
 * between 0 and pi - 0.0001, and the gradient's factor m1 sin(angle) / sqrt(1 - x^2) as between 0 and 2.
 * Source: gehaocool/CombinedMargin-caffe, combined_margin_layer.cu and toadd.proto (m1 4, m2 0.5, m3 0.35 by default).
 */
export const CombinedMargin = computeLayer({
  ...common,
  type: "CombinedMargin",
  param: "combined_margin_param",
  labels: (layer, shapeOf) => ({ ...labelsAfterBatch(shapeOf, message(layer, "loss_param")), ignored: -1 }),
  lower(site) {
    const { m1, m2, m3 } = site.param;
    return atLabels(site, (x) => {
      const cosine = clip(x, MARGIN - 1, 1 - MARGIN);
      const angle = clip(add(mul(acos(cosine), constant(m1)), constant(m2)), 0, Math.PI - MARGIN);
      const slope = div(mul(sin(angle), constant(m1)), sqrt(sub(constant(1), mul(cosine, cosine))));
      return { y: sub(cos(angle), constant(m3)), slope: clip(slope, 0, 2) };
    });
  },
});

/**
 * CosinAddm (ArcFace): cos(acos(x) + m) at the label's entry of each row of cosines x [n, classes...], labels [n]; where the angle
 * and m reach pi, x - m sin(pi - m). The gradient's factor is cos m + sin m x / sqrt(1 - x^2), or 1 there and where x is 1.
 * Source: xialuxi/arcface-caffe, cosin_add_m_layer.cpp and proto (m 0.5 by default).
 */
export const CosinAddm = computeLayer({
  ...common,
  type: "CosinAddm",
  param: "cosin_add_m_param",
  labels: (layer, shapeOf) => labelsAfterBatch(shapeOf, message(layer, "loss_param")),
  lower(site) {
    const { m } = site.param;
    return atLabels(site, (given) => {
      const x = min(given, constant(1));
      const sine = sqrt(max(sub(constant(1), mul(x, x)), constant(0)));
      const isBeyond = not(greater(x, constant(Math.cos(Math.PI - m))));
      const beyond = sub(x, constant(Math.sin(Math.PI - m) * m));
      const within = sub(mul(x, constant(Math.cos(m))), mul(sine, constant(Math.sin(m))));
      const isSteep = equal(sine, constant(0));
      const slope = add(constant(Math.cos(m)), div(mul(x, constant(Math.sin(m))), where(isSteep, constant(1), sine)));
      return {
        y: where(isBeyond, beyond, within),
        slope: where(isBeyond, constant(1), where(isSteep, constant(1), slope)),
      };
    });
  },
});

/** x with the label's entries replaced, and a gradient that has a factor there. `of` gets all entries, without a gradient. */
export function atLabels(site: Site<unknown>, of: (x: Value) => { readonly y: Value; readonly slope: Value }) {
  const [x, labels] = site.bottoms as [Value, Value];
  checkBatch(site);
  checkOnePerEntry(site, 1);
  const { shape } = x.type;
  const [n, classes] = [shape[0]!, count(shape, 1)];
  const rows = reshape(x, [n, classes]);
  const numbers = arange(classes, [1, classes]);
  const own = floor(reshape(stopGradient(labels), [n, 1]));
  const isLabel = and(equal(own, numbers), greater(own, constant(-1)));
  const { y, slope } = of(stopGradient(rows));
  const factor = where(isLabel, slope, constant(1));
  const values = where(isLabel, y, stopGradient(rows));
  return { tops: [reshape(withGradientOf(values, mul(rows, stopGradient(factor))), shape)] };
}
