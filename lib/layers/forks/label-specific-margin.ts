import { create, has, sub as message } from "../../caffe/message.js";
import {
  type LabelSpecificMarginParameter,
  LabelSpecificMarginParameter_MarginType as Margin,
} from "../../caffe/messages.js";
import { constant, count, type Value } from "../../graph/index.js";
import {
  acos,
  add,
  clip,
  cos,
  div,
  equal,
  greater,
  min,
  mul,
  pow,
  reshape,
  sin,
  slice,
  stopGradient,
  sub,
  where,
} from "../../ops/index.js";
import { onePerRow } from "../implied.js";
import { labelsAfterBatch } from "../labels.js";
import { bottomText, computeLayer, type Site } from "../layer.js";
import { NEAR, nearCosine } from "./angles.js";
import { atLabels } from "./margins.js";
import { passFirst } from "./pass-first.js";

/**
 * LabelSpecificMargin (caffe-windows): in TRAIN, at the label's entry of each row of cosines x [n, classes...], labels [n], the cosine of
 * the angle and a margin of m degrees (HARD), or of the angle times m (SOFT), m being 0 for none; in TEST y = x. m is the value of a blob
 * [1] that is kept and not trained, or with `margin_base` margin_base + (1 + gamma t)^power - 1, t counting forwards from `iteration`,
 * at most `margin_max`; or the first entry of a third bottom. A second top [1] is m. As the authors train it, on GPUs: cosines count as
 * at most 0.9999 away from 0 but for SOFT's angle, and the gradient's factor as between 0 and 2; with `pass_bp` it is 1.
 * Source: happynear/caffe-windows, label_specific_margin.cu, as zhanglaplace/Caffe-ZF keeps it.
 */
export const LabelSpecificMargin = computeLayer({
  type: "LabelSpecificMargin",
  param: "label_specific_margin_param",
  bottoms: [2, 3],
  tops: [1, 2],
  noGradientTo: [1],
  implies: (_, shapeOf) => onePerRow(1, shapeOf),
  inference: { as: "layer", of: passFirst },
  labels: (layer, shapeOf) => labelsAfterBatch(shapeOf, message(layer, "loss_param")),
  blobs: ({ param, error }) => {
    if (param.auto_tune) throw error("auto_tune, a margin by the angles of the batches, is not supported", "auto_tune");
    return [
      { shape: [1], filler: create("FillerParameter", { type: "constant", value: param.margin_base }), state: true },
    ];
  },
  lower(site) {
    const { param, phase } = site;
    const { margin, state } = marginOf(site);
    const top = reshape(margin, [1]);
    const tops = (y: Value) => (site.topCount > 1 ? [y, top] : [y]);
    if (phase === "TEST") return { tops: tops(site.bottoms[0]!), state };
    const isNone = equal(margin, constant(0));
    const rule = param.type === Margin.SOFT ? soft : hard;
    const [y] = atLabels(site, (x) => {
      const moved = rule(x, margin);
      const slope = param.pass_bp ? constant(1) : clip(moved.slope, 0, 2);
      return { y: where(isNone, x, moved.y), slope: where(isNone, constant(1), slope) };
    }).tops as [Value];
    return { tops: tops(y), state };
  },
});

/** The margin of this forward, a scalar, and what is kept for the next one. */
function marginOf(site: Site<LabelSpecificMarginParameter>) {
  const { param, phase, bottoms } = site;
  const blob = site.blobs[0]!;
  const given = bottoms[2];
  if (given && count(given.type.shape) < 1) throw site.bottomError(2, `${bottomText(site, 2)} has no margin`);
  if (phase === "TEST") return { margin: reshape(blob, []), state: new Map<Value, Value>() };
  const scheduled = has(param, "margin_base") ? schedule(site) : undefined;
  const own = scheduled?.margin ?? reshape(blob, []);
  const bound = has(param, "margin_max") ? min(own, constant(param.margin_max)) : own;
  const margin = given ? reshape(slice(reshape(stopGradient(given), [count(given.type.shape)]), 0, 0, 1), []) : bound;
  return { margin, state: new Map([[blob, reshape(margin, [1])], ...(scheduled?.state ?? [])]) };
}

/** The margin that grows with forwards, and their number for the next one. */
function schedule(site: Site<LabelSpecificMarginParameter>) {
  const { margin_base: base, gamma, power, iteration } = site.param;
  const t = site.carry([]);
  const grown = pow(add(mul(add(t, constant(iteration)), constant(gamma)), constant(1)), constant(power));
  return { margin: add(grown, constant(base - 1)), state: [[t, add(t, constant(1))]] as const };
}

/** The cosine of an angle and a margin in degrees, and its slope. */
function hard(x: Value, margin: Value) {
  const { cosine, sine } = nearCosine(x);
  const radians = mul(margin, constant(Math.PI / 180));
  return {
    y: sub(mul(cosine, cos(radians)), mul(sine, sin(radians))),
    slope: add(cos(radians), mul(div(cosine, sine), sin(radians))),
  };
}

/** The cosine of an angle times a margin, and its slope. Where the product would be beyond pi, the authors set the angle itself to pi. */
function soft(x: Value, margin: Value) {
  const { sine } = nearCosine(x);
  const open = acos(x);
  const angle = where(greater(mul(open, margin), constant(Math.PI - NEAR)), constant(Math.PI - NEAR), open);
  const product = mul(angle, margin);
  return { y: cos(product), slope: div(mul(sin(product), margin), sine) };
}
