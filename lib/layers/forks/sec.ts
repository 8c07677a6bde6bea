import type { PythonParameter } from "../../caffe/messages.js";
import { constant, count, sameShape, type Value } from "../../graph/index.js";
import { add, div, exp, log, mul, reduceSum, softmax, sub, sumAll } from "../../ops/index.js";
import type { LayerFacts } from "../facts.js";
import { bottomText, type Lowered, type Site } from "../layer.js";

// Layers of SEC (kolesman/SEC, pylayers.py), which nets of weakly supervised segmentation share.

/** Least probability of a class, so that its logarithm is a number. */
const LEAST = 1e-4;

/** SoftmaxLayer: softmax over channels, each probability raised by 0.0001 and all scaled to sum 1 again. */
export function softmaxRaised(site: Site<PythonParameter>): Lowered {
  const x = site.bottoms[0]!;
  if (x.type.shape.length < 2) throw site.bottomError(0, `${bottomText(site, 0)} has no channels`);
  const raised = add(softmax(x, 1), constant(LEAST));
  return { tops: [div(raised, reduceSum(raised, [1], true))] };
}

/** SeedLossLayer: -mean over items of (sum of cues * log(p)) / (sum of cues). Probabilities and cues of one shape [n, ...]; a scalar. */
export function seedLoss(site: Site<PythonParameter>): Lowered {
  const [p, cues] = ofOneShape(site);
  const axes = p.type.shape.slice(1).map((_, i) => i + 1);
  const share = div(reduceSum(mul(cues, log(p)), axes, true), reduceSum(cues, axes, true));
  return { tops: [mul(sumAll(share), constant(-1 / p.type.shape[0]!))] };
}

/**
 * ConstrainLossLayer: the mean over items and places of sum over channels of q * (log(q) - log(p)), where the second bottom is log(q).
 * Both [n, c, ...]; a scalar, with a gradient to both.
 */
export function constrainLoss(site: Site<PythonParameter>): Lowered {
  const [p, logQ] = ofOneShape(site);
  const places = count(p.type.shape) / p.type.shape[1]!;
  return { tops: [mul(sumAll(mul(exp(logQ), sub(logQ, log(p)))), constant(1 / places))] };
}

function ofOneShape(site: Site<PythonParameter>): readonly [Value, Value] {
  const [a, b] = site.bottoms as [Value, Value];
  const { shape } = a.type;
  if (shape.length < 2 || !sameShape(shape, b.type.shape))
    throw site.bottomError(1, `${bottomText(site, 1)} is not like ${bottomText(site, 0)}`);
  return [a, b];
}

/** Facts on those that netrun does not run: cues of a file, as the images are numbered, and a mean-field inference. */
export const unrunOfSec: Readonly<Record<string, LayerFacts>> = {
  "pylayers.AnnotationLayer": {
    topShapes: (_, shapeOf) => {
      const rows = shapeOf(0)?.[0];
      return rows === undefined
        ? []
        : [
            [rows, 1, 1, 21],
            [rows, 21, 41, 41],
          ];
    },
  },
  "pylayers.CRFLayer": { topShapes: (_, shapeOf) => [shapeOf(0)] },
};
