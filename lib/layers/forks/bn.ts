import { create, has, sub } from "../../caffe/message.js";
import { type BNParameter, BNParameter_BNMode as Mode } from "../../caffe/messages.js";
import { constant, count, type Value } from "../../graph/index.js";
import { add, div, sub as minus, moments, mul, reshape, sqrt, stopGradient } from "../../ops/index.js";
import { batchNormalization } from "../../ops/inference.js";
import { type BlobSpec, computeLayer, type Lowered, type Site } from "../layer.js";

/** Constant that SegNet adds to a variance. */
const SEGNET_EPS = 1e-9;

/**
 * BN, in both meanings. SegNet and ENet: blobs scale and shift [1,c,1,1]; y = x * scale + shift in mode INFERENCE, where the
 * statistics are in the blobs, and on the batch's statistics in mode LEARN. PSPNet and others: blobs slope, bias, mean and variance
 * [1,c,1,1], or [1,c] where x has more or fewer axes (P3D); y = slope * (x - mean) / sqrt(variance + eps) + bias. Which one is told by
 * the fields that are given, scale_filler, shift_filler or bn_mode being SegNet's, whose further tops are the batch's mean and variance
 * [1,c,1,1] (DeconvNet). The running statistics are not trainable: unless `frozen` they follow those of the batches.
 */
export const BN = computeLayer({
  type: "BN",
  param: "bn_param",
  bottoms: 1,
  tops: [1, 3],
  sees: "place",
  affine: {
    roles: ["scale", "shift", "mean", "variance"],
    epsilon: (layer) => sub(layer, "bn_param").eps,
  },
  blobs(place) {
    const { shape } = place.bottoms[0]!.type;
    const { param } = place;
    const batches = (["var_eps", "decay", "moving_average"] as const).find((field) => has(param, field));
    if (batches)
      throw place.error("statistics of the batch in tests are not supported", batches, ["write moving_average: true"]);
    if (shape.length !== 4 && (isSegNet(param) || shape.length < 2))
      throw place.bottomError(0, `BN takes a blob of 4 axes, not [${shape}]`);
    const blob = (filler: BlobSpec["filler"], state = false): BlobSpec => ({
      shape: shape.length === 4 ? [1, shape[1]!, 1, 1] : [1, shape[1]!],
      filler,
      state,
    });
    const filled = (field: "scale_filler" | "shift_filler" | "slope_filler" | "bias_filler", value: number) =>
      has(param, field) ? sub(param, field) : create("FillerParameter", { type: "constant", value });
    if (isSegNet(param)) return [blob(filled("scale_filler", 1)), blob(filled("shift_filler", 0))];
    const [zeros, ones] = [0, 1].map((value) => create("FillerParameter", { type: "constant", value }));
    return [blob(filled("slope_filler", 1)), blob(filled("bias_filler", 0)), blob(zeros!, true), blob(ones!, true)];
  },
  lower: (site) => (isSegNet(site.param) ? { tops: segNet(site) } : withStatistics(site)),
  lowerForInference({ bottoms, blobs, param }) {
    // SegNet's has two blobs, and no statistics.
    if (blobs.length !== 4) return undefined;
    const vectors = blobs.map((blob) => reshape(blob, [count(blob.type.shape)]));
    return [batchNormalization(bottoms[0]!, vectors, param.eps)];
  },
});

const isSegNet = (param: BNParameter) =>
  has(param, "scale_filler") || has(param, "shift_filler") || has(param, "bn_mode");

function segNet({ bottoms, blobs, param, topCount, error }: Site<BNParameter>): readonly Value[] {
  const [scale, shift] = blobs as [Value, Value];
  if (param.bn_mode === Mode.INFERENCE) {
    if (topCount > 1) throw error("the batch's mean and variance are tops in mode LEARN alone", "top");
    return [add(mul(bottoms[0]!, scale), shift)];
  }
  const { centred, mean, variance } = moments(bottoms[0]!, [0, 2, 3]);
  const y = add(mul(div(centred, sqrt(add(variance, constant(SEGNET_EPS)))), scale), shift);
  return [y, stopGradient(mean), stopGradient(variance)].slice(0, topCount);
}

/** In TRAIN by the batch's statistics, which the running ones follow: momentum * running + (1 - momentum) * batch. */
function withStatistics({ bottoms, blobs, param, phase, topCount, error }: Site<BNParameter>): Lowered {
  if (topCount > 1) throw error("only SegNet's BN has the batch's mean and variance as tops", "top");
  const x = bottoms[0]!;
  const channels = x.type.shape.map((dim, axis) => (axis === 1 ? dim : 1));
  const [slope, bias, mean, variance] = blobs.map((blob) => reshape(blob, channels)) as [Value, Value, Value, Value];
  const deviation = (square: Value) => sqrt(add(square, constant(param.eps)));
  const scaled = (y: Value) => add(mul(y, slope), bias);
  if (phase === "TEST" || param.frozen) return { tops: [scaled(div(minus(x, mean), deviation(variance)))] };
  const batch = moments(
    x,
    channels.flatMap((_, axis) => (axis === 1 ? [] : [axis])),
  );
  const follow = (running: Value, now: Value) =>
    reshape(add(mul(running, constant(param.momentum)), mul(now, constant(1 - param.momentum))), blobs[2]!.type.shape);
  const state = new Map([
    [blobs[2]!, follow(mean, batch.mean)],
    [blobs[3]!, follow(variance, batch.variance)],
  ]);
  return { tops: [scaled(div(batch.centred, deviation(batch.variance)))], state };
}
