import { create, has, sub as message } from "../../caffe/message.js";
import type { DenseBlockParameter } from "../../caffe/messages.js";
import { constant, type Value } from "../../graph/index.js";
import {
  add,
  cast,
  concat,
  conv,
  div,
  greaterOrEqual,
  moments,
  mul,
  relu,
  reverse,
  sqrt,
  sub,
} from "../../ops/index.js";
import { type BlobSpec, bottomText, computeLayer, type Place, type Site } from "../layer.js";

type P = DenseBlockParameter;

/** Constant that cuDNN adds to a variance. */
const EPS = 1e-5;
/** A bottleneck has this many channels for each one that it leads to. */
const BOTTLENECK = 4;

/** Kinds of a transition's blobs, in the order of the layer's: those of all transitions of a kind one after another. */
const KINDS = ["filter", "scale", "bias", "mean", "variance"] as const;
/** The same of the bottleneck before it. */
const BOTTLENECK_KINDS = ["inner filter", "inner scale", "inner bias", "inner mean", "inner variance"] as const;
type Kind = (typeof KINDS)[number] | (typeof BOTTLENECK_KINDS)[number];

const kindsOf = ({ use_BC }: P): readonly Kind[] => (use_BC ? [...KINDS, ...BOTTLENECK_KINDS] : KINDS);

/**
 * DenseBlock (DenseNet, Tongcheng's and OCR forks): `numTransition` times a batch normalisation with scale and bias, ReLU and a
 * convolution of 3 x 3 to `growthRate` channels, which are joined to what they came from; with `use_BC` before the last a convolution of 1 x 1
 * to 4 growthRate channels, and its normalisation and ReLU. x [n, c, h, w], y [n, c + numTransition*growthRate, h, w]. Filters are
 * mirrored, as in a convolution of mathematics. Blobs: all filters, scales, biases, running means and variances, the bottlenecks' five,
 * and a number that nothing reads. The running statistics follow those of batches by `moving_average_fraction`. In TRAIN with `use_dropout` a
 * part `dropout_amount` of the new entries is 0, the others grow. As on GPUs: the fork's CPU code averages otherwise.
 * Source: senlinuc/caffe_ocr, DenseBlock_layer.cpp and .cu; fireae/caffe_latte, caffe.proto.
 */
export const DenseBlock = computeLayer({
  type: "DenseBlock",
  param: "denseblock_param",
  bottoms: 1,
  tops: 1,
  family: "convolution",
  blobs(place) {
    const { param } = place;
    const channels = checked(place);
    const { numTransition: steps } = param;
    const filled = (value: number) => create("FillerParameter", { type: "constant", value });
    const fillers = {
      filter: message(param, "Filter_Filler"),
      scale: has(param, "BN_Scaler_Filler") ? message(param, "BN_Scaler_Filler") : filled(0),
      bias: has(param, "BN_Bias_Filler") ? message(param, "BN_Bias_Filler") : filled(0),
      mean: filled(0),
      variance: filled(1),
    };
    const each = kindsOf(param).flatMap((kind) =>
      Array.from({ length: steps }, (_, i): BlobSpec => {
        const name = kind.replace("inner ", "") as keyof typeof fillers;
        const state = name === "mean" || name === "variance";
        return { shape: shapeOf(param, kind, channels + i * param.growthRate), filler: fillers[name], state };
      }),
    );
    return [...each, { shape: [1], filler: filled(0), state: true }];
  },
  lower(site) {
    checked(site);
    const { param, phase } = site;
    const blob = (kind: Kind, i: number) => site.blobs[kindsOf(param).indexOf(kind) * param.numTransition + i]!;
    const state = new Map<Value, Value>();
    const activated = (x: Value, i: number, inner: "" | "inner ") => {
      const [scale, bias, mean, variance] = (["scale", "bias", "mean", "variance"] as const).map((kind) =>
        blob(`${inner}${kind}`, i),
      ) as [Value, Value, Value, Value];
      const y = phase === "TEST" ? normalised(x, mean, variance) : trained(site, x, { mean, variance, state });
      return relu(add(mul(y, scale), bias));
    };
    let x = site.bottoms[0]!;
    for (let i = 0; i < param.numTransition; i++) {
      const first = activated(x, i, "");
      const inner = param.use_BC ? activated(convolved(first, blob("inner filter", i), 0), i, "inner ") : first;
      x = concat([x, dropped(site, convolved(inner, blob("filter", i), 1))], 1);
    }
    return { tops: [x], state };
  },
});

/** Channels of the bottom. */
function checked(place: Place<P>): number {
  const { shape } = place.bottoms[0]!.type;
  if (shape.length !== 4) throw place.bottomError(0, `${bottomText(place, 0)} does not have 4 axes`);
  for (const field of ["numTransition", "growthRate"] as const)
    if (place.param[field] <= 0) throw place.error(`${field} must be greater than 0`, field);
  const { dropout_amount: amount } = place.param;
  if (!(amount >= 0 && amount < 1))
    throw place.error(`dropout_amount is ${amount}; it is at least 0 and below 1`, "dropout_amount");
  return shape[1]!;
}

/** Shape of a blob of a transition from so many channels. */
function shapeOf({ growthRate: growth, use_BC }: P, kind: Kind, channels: number): readonly number[] {
  const wide = BOTTLENECK * growth;
  if (kind === "filter") return [growth, use_BC ? wide : channels, 3, 3];
  if (kind === "inner filter") return [wide, channels, 1, 1];
  return [1, kind.startsWith("inner") ? wide : channels, 1, 1];
}

const normalised = (x: Value, mean: Value, variance: Value) => div(sub(x, mean), sqrt(add(variance, constant(EPS))));

/** Blobs of running statistics, and what they become. */
interface Running {
  readonly mean: Value;
  readonly variance: Value;
  readonly state: Map<Value, Value>;
}

/** x by the batch's statistics, which the running ones follow; the running variance is that of the entries that the batch is taken from. */
function trained({ param }: Site<P>, x: Value, { mean, variance, state }: Running): Value {
  const batch = moments(x, [0, 2, 3]);
  const [n, , h, w] = x.type.shape as [number, number, number, number];
  const entries = n * h * w;
  const fraction = param.moving_average_fraction;
  const follow = (running: Value, now: Value) =>
    state.set(running, add(mul(running, constant(1 - fraction)), mul(now, constant(fraction))));
  follow(mean, batch.mean);
  follow(variance, mul(batch.variance, constant(entries / Math.max(1, entries - 1))));
  return div(batch.centred, sqrt(add(batch.variance, constant(EPS))));
}

const convolved = (x: Value, filter: Value, pad: number) =>
  conv(x, pad === 0 ? filter : reverse(reverse(filter, 2), 3), {
    strides: [1, 1],
    pads: [pad, pad],
    dilations: [1, 1],
    group: 1,
  });

function dropped({ param, phase, random }: Site<P>, x: Value): Value {
  const { use_dropout, dropout_amount: amount } = param;
  if (!use_dropout || amount === 0 || phase === "TEST") return x;
  const kept = cast(greaterOrEqual(random(x.type.shape), constant(amount)), "float32");
  return mul(x, mul(kept, constant(1 / (1 - amount))));
}
