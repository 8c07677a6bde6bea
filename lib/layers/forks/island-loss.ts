import { sub as message } from "../../caffe/message.js";
import { constant, count, type Value } from "../../graph/index.js";
import {
  add,
  div,
  gather,
  mul,
  reduceSum,
  reshape,
  sqrt,
  stopGradient,
  sub,
  sumAll,
  transpose,
  withGradientOf,
} from "../../ops/index.js";
import { matMul } from "../../ops/linear.js";
import { bottomText, canonicalAxis, computeLayer } from "../layer.js";
import { inverseWeight, readLabels } from "../loss.js";

/**
 * IslandLoss (face recognition): CenterLoss, sum over rows of |x - c[label]|^2 / 2n, and lambda times the mean over pairs of centers of
 * their cosine + 1. x [n..., k...] from `axis` on, labels [n], trainable centers c [num_output, k]; a scalar. The gradient of c is the
 * authors', whatever the loss weighs: of center i only what the last center j other than it makes,
 * 2 lambda (|c_i| |c_j| c_j - (c_i . c_j) / (|c_i|^3 |c_j|) c_i) / (num_output - 1), which their code writes over all else.
 * Source: zhanglaplace/Caffe-ZF, island_loss_layer.cpp.
 */
export const IslandLoss = computeLayer({
  type: "IslandLoss",
  param: "island_loss_param",
  bottoms: 2,
  tops: 1,
  noGradientTo: [1],
  loss: true,
  inference: { as: "prediction" },
  labels: (layer) => ({ bottom: 1, classes: message(layer, "island_loss_param").num_output }),
  blobs(place) {
    const { param } = place;
    const { shape } = place.bottoms[0]!.type;
    if (param.num_output <= 1) throw place.error("num_output must be greater than 1", "num_output");
    const k = count(shape, canonicalAxis(place, param.axis, shape.length));
    return [{ shape: [param.num_output, k], filler: message(param, "center_filler") }];
  },
  lower(site) {
    const { num_output: classes, lambda } = site.param;
    const { shape } = site.bottoms[0]!.type;
    const axis = canonicalAxis(site, site.param.axis, shape.length);
    const [n, k] = [count(shape, 0, axis), count(shape, axis)];
    if (count(site.bottoms[1]!.type.shape) !== n)
      throw site.bottomError(1, `${bottomText(site, 1)} is not a label for each of ${n} rows`);
    const x = reshape(site.bottoms[0]!, [n, k]);
    const labels = readLabels(reshape(site.bottoms[1]!, [n]), classes).classes;
    const centers = stopGradient(site.blobs[0]!);
    const distance = sub(x, gather(centers, labels, 0));
    const near = mul(sumAll(mul(distance, distance)), constant(0.5 / n));
    const products = matMul(centers, transpose(centers, [1, 0]));
    const lengths = sqrt(reduceSum(mul(centers, centers), [1], true));
    const cosines = div(products, mul(lengths, transpose(lengths, [1, 0])));
    // Each center's cosine with itself is 1.
    const pairs = classes * (classes - 1);
    const apart = add(mul(sub(sumAll(cosines), constant(classes)), constant(1 / pairs)), constant(1));
    const loss = add(near, mul(apart, constant(lambda)));
    const last = Float32Array.from({ length: classes * classes }, (_, at) => {
      const [i, j] = [Math.floor(at / classes), at % classes];
      return Number(j === (i === classes - 1 ? classes - 2 : classes - 1));
    });
    const slope = mul(centerSlope(centers, constant(last, [classes, classes])), constant((2 * lambda) / (classes - 1)));
    const ofCenters = mul(sumAll(mul(site.blobs[0]!, stopGradient(slope))), constant(inverseWeight(site)));
    return { tops: [withGradientOf(loss, add(near, ofCenters))] };
  },
});

/** The authors' slope of each center [classes, k] by one other each, that `chosen` [classes, classes] has a 1 for. */
function centerSlope(centers: Value, chosen: Value): Value {
  const others = matMul(chosen, centers);
  const [own, other] = [centers, others].map((rows) => sqrt(reduceSum(mul(rows, rows), [1], true))) as [Value, Value];
  const scale = mul(own, other);
  const product = reduceSum(mul(centers, others), [1], true);
  return sub(mul(others, scale), mul(centers, div(product, mul(scale, mul(own, own)))));
}
