import { sub as message } from "../../caffe/message.js";
import { constant, count } from "../../graph/index.js";
import {
  add,
  div,
  expand,
  gather,
  mul,
  reduceSum,
  reshape,
  stopGradient,
  sub,
  sumAll,
  withGradientOf,
} from "../../ops/index.js";
import { oneHot } from "../indices.js";
import { bottomText, canonicalAxis, computeLayer } from "../layer.js";
import { inverseWeight, readLabels } from "../loss.js";

/**
 * CenterLoss (face recognition): sum over rows of |x - c[label]|^2 / 2n. x [n..., k...] from `axis` on, labels [n], trainable
 * centers c [num_output, k]; a scalar. The gradient of c is the authors': sum of (c - x) over a class's rows / (1 + their number),
 * whatever the loss weighs.
 */
export const CenterLoss = computeLayer({
  type: "CenterLoss",
  param: "center_loss_param",
  bottoms: 2,
  tops: 1,
  noGradientTo: [1],
  loss: true,
  inference: { as: "prediction" },
  labels: (layer) => ({ bottom: 1, classes: message(layer, "center_loss_param").num_output }),
  blobs(place) {
    const { param } = place;
    const { shape } = place.bottoms[0]!.type;
    if (param.num_output <= 0) throw place.error("num_output must be greater than 0", "num_output");
    const k = count(shape, canonicalAxis(place, param.axis, shape.length));
    return [{ shape: [param.num_output, k], filler: message(param, "center_filler") }];
  },
  lower(site) {
    const { shape } = site.bottoms[0]!.type;
    const axis = canonicalAxis(site, site.param.axis, shape.length);
    const [n, k, classes] = [count(shape, 0, axis), count(shape, axis), site.param.num_output];
    if (count(site.bottoms[1]!.type.shape) !== n)
      throw site.bottomError(1, `${bottomText(site, 1)} is not a label for each of ${n} rows`);
    const x = reshape(site.bottoms[0]!, [n, k]);
    const labels = readLabels(reshape(site.bottoms[1]!, [n]), classes).classes;
    const centers = site.blobs[0]!;
    const distance = sub(x, stopGradient(gather(centers, labels, 0)));
    const loss = mul(sumAll(mul(distance, distance)), constant(0.5 / n));
    const rows = reshape(reduceSum(oneHot(labels, classes), [0]), [classes, 1]);
    const moved = gather(div(centers, expand(add(rows, constant(1)), [classes, k])), labels, 0);
    const ofCenters = mul(sumAll(mul(stopGradient(distance), moved)), constant(-inverseWeight(site)));
    return { tops: [withGradientOf(loss, add(loss, ofCenters))] };
  },
});
