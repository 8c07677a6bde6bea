import { create, has, sub as message } from "../caffe/message.js";
import type { BatchNormParameter, LayerParameter } from "../caffe/messages.js";
import { constant, count, type Value } from "../graph/index.js";
import { add, batchNormalize, div, equal, mul, reshape, sqrt, sub, where } from "../ops/index.js";
import { batchNormalization } from "../ops/inference.js";
import { bottomText, computeLayer } from "./layer.js";

/**
 * BatchNorm: y = (x - mean) / sqrt(variance + eps), a mean and a variance for each channel (axis 1). x [n, c, ...], y as x.
 * From the batch in TRAIN, from the running blobs in TEST, or as `use_global_stats` says.
 * Blobs, kept and not trained: mean sums [c], variance sums [c], weight sum [1]. A forward on the batch's statistics multiplies
 * all by moving_average_fraction and adds mean, variance * m/(m-1) (m values a channel) and 1; the running statistics are the
 * sums divided by the weight sum, 0 where that is 0. The trained scale and bias are a Scale layer's, but with NVIDIA's scale_bias (or
 * a filler for them) they are two more blobs, scale [c] and bias [c].
 */
export const BatchNorm = computeLayer({
  type: "BatchNorm",
  param: "batch_norm_param",
  bottoms: 1,
  tops: 1,
  caffeMemory: () => ({ readsBottom: "nothing", ignoresPropagateDown: true }),
  sees: "place",
  affine: { roles: ["mean", "variance", "weight"], epsilon },
  specific: ({ batch_norm_param: param }) =>
    param && hasScale(param) ? { affine: { roles: ["mean", "variance", "weight", "scale", "shift"], epsilon } } : {},
  blobs(place) {
    const { shape } = place.bottoms[0]!.type;
    if (shape.length < 2) throw place.bottomError(0, `${bottomText(place, 0)} has no channels, axis 1`);
    const { param } = place;
    for (const { lr_mult } of place.layer.param) {
      // NVIDIA's layer sets them itself.
      if (lr_mult === 0 || hasScale(param)) continue;
      throw place.error("running statistics are not trained: their lr_mult is 0", "param", [
        "leave param out, or set lr_mult: 0 in each",
      ]);
    }
    const filler = create("FillerParameter");
    const statistics = [[shape[1]!], [shape[1]!], [1]].map((dims, i) => ({
      shape: dims,
      filler,
      state: true,
      ...(i < 2 && { divisor: 2 }),
    }));
    if (!hasScale(param)) return statistics;
    const scaleFiller = has(param, "scale_filler")
      ? message(param, "scale_filler")
      : create("FillerParameter", { type: "constant", value: 1 });
    return [
      ...statistics,
      { shape: [shape[1]!], filler: scaleFiller },
      { shape: [shape[1]!], filler: message(param, "bias_filler") },
    ];
  },
  lower({ bottoms, blobs, param, phase }) {
    const x = bottoms[0]!;
    const { shape } = x.type;
    const channels = shape[1]!;
    const [meanSum, varianceSum, weight, scale, bias] = blobs as [Value, Value, Value, Value?, Value?];
    const perChannel = (value: Value) => reshape(value, [1, channels, ...shape.slice(2).map(() => 1)]);
    const scaled = (y: Value) => (scale && bias ? add(mul(y, perChannel(scale)), perChannel(bias)) : y);
    const deviation = (variance: Value) => sqrt(add(variance, constant(param.eps)));
    const global = has(param, "use_global_stats") ? param.use_global_stats : phase === "TEST";
    if (global) {
      const isEmpty = equal(weight, constant(0));
      const factor = where(isEmpty, constant(0), div(constant(1), where(isEmpty, constant(1), weight)));
      const mean = perChannel(mul(meanSum, factor));
      return { tops: [scaled(div(sub(x, mean), perChannel(deviation(mul(varianceSum, factor)))))] };
    }
    const { y, mean, variance } = batchNormalize(x, param.eps);
    const m = count(shape) / channels;
    const keep = (sum: Value, update: Value) => add(mul(sum, constant(param.moving_average_fraction)), update);
    const state = new Map([
      [meanSum, keep(meanSum, reshape(mean, [channels]))],
      [varianceSum, keep(varianceSum, mul(reshape(variance, [channels]), constant(m > 1 ? m / (m - 1) : 1)))],
      [weight, keep(weight, constant(1))],
    ]);
    return { tops: [scaled(y)], state };
  },
  lowerForInference({ bottoms, blobs, param }) {
    if (has(param, "use_global_stats") && !param.use_global_stats) return undefined;
    const [meanSum, varianceSum, weight, scale, bias] = blobs as [Value, Value, Value, Value?, Value?];
    const isEmpty = equal(weight, constant(0));
    const factor = where(isEmpty, constant(0), div(constant(1), where(isEmpty, constant(1), weight)));
    const channels = bottoms[0]!.type.shape[1]!;
    const [ones, zeros] = [1, 0].map((fill) => constant(new Float32Array(channels).fill(fill), [channels]));
    const statistics = [scale ?? ones!, bias ?? zeros!, mul(meanSum, factor), mul(varianceSum, factor)];
    return [batchNormalization(bottoms[0]!, statistics, param.eps)];
  },
});

/** Tests whether a layer has a scale and bias of its own. */
function hasScale(param: BatchNormParameter): boolean {
  return param.scale_bias || has(param, "scale_filler") || has(param, "bias_filler");
}

function epsilon(layer: LayerParameter): number {
  return message(layer, "batch_norm_param").eps;
}
