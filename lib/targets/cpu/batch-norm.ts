import { constant, count, isOp, type Value } from "../../graph/index.js";
import {
  add,
  type BatchNormAttrs,
  BatchNormalize,
  ChannelAffine,
  div,
  mul,
  neg,
  pad,
  reshape,
  sqrt,
} from "../../ops/index.js";
import { channelSums, firstEntries } from "./channel-sums.js";
import { fromBlocked, fromPlain, type Layouts } from "./layout.js";
import { blockedConv } from "./nchwc.js";
import { attrsOf, type Formulation, type RewriteSite, shapeOf } from "./rules.js";

/** x * s + b of a blocked x, as a convolution of each channel with one number: s and b [c up to whole blocks]. */
function scaled(x: Value, s: Value, b: Value, plus?: Value): Value {
  const [, c] = x.type.shape as [number, number];
  return blockedConv(x, reshape(s, [c, 1, 1, 1]), { ...EACH_PIXEL, group: c }, b, plus);
}

const EACH_PIXEL = {
  kernel: [1, 1],
  strides: [1, 1],
  dilations: [1, 1],
  pads: [
    [0, 0],
    [0, 0],
  ],
} as const;

/** A vector of a number a channel, filled with zeros to whole blocks. */
const whole = (vector: Value, x: Value): Value => pad(vector, [[0, x.type.shape[1]! - vector.type.shape[0]!]]);

/** Values a channel that statistics are taken over. */
const population = ([n, , ...size]: readonly number[]): number => n! * count(size);

/** x of a batch normalisation without its means, and the deviation of each channel, in blocks. */
interface Centred {
  readonly value: Value;
  /** [c up to whole blocks] */
  readonly mean: Value;
  readonly variance: Value;
  readonly deviation: Value;
}

function centre(x: Value, shape: readonly number[], eps: number): Centred {
  const c = x.type.shape[1]!;
  const share = constant(1 / population(shape));
  const mean = mul(channelSums(x), share);
  const value = scaled(x, constant(1, [c]), neg(mean));
  const variance = mul(channelSums(mul(value, value)), share);
  return { value, mean, variance, deviation: sqrt(add(variance, constant(eps))) };
}

/** Parts of a blocked node of batch normalisation, by its output; undefined for another value. */
function centredOf({ memo }: RewriteSite, y: Value): Centred | undefined {
  return isOp(y.node, BatchNormalize) ? memo(y, "centred", (): Centred | undefined => undefined) : undefined;
}

/** Sums of a blocked gradient over its channels, once for all that need them. */
const sumsOf = ({ memo }: RewriteSite, dy: Value, blocked: Value): Value =>
  memo(dy, "sums", () => channelSums(blocked));

/** Sums of a gradient times what a batch normalisation left of its x, once for the scale's gradient and the normalisation's. */
const sumsWith = ({ memo }: RewriteSite, dy: Value, blocked: Value, { value }: Centred): Value =>
  memo(dy, `sums with ${value.node.label}`, () => channelSums(mul(blocked, value)));

/** Batch normalisation in blocks: means by planes, the rest convolutions of each channel with one number. */
export const batchNormalize: Formulation = {
  name: "batch normalisation in blocks",
  ops: [BatchNormalize.name],
  build(site) {
    const { node, inputs, block } = site;
    const shape = shapeOf(site, 0);
    if (shape.length !== 4 || !inputs[0]!.hasBlocked) return undefined;
    const { eps } = attrsOf<BatchNormAttrs>(site);
    const made = centre(inputs[0]!.blocked(), shape, eps);
    site.memo(node.outputs[0]!, "centred", () => made);
    const y = scaled(made.value, div(constant(1), made.deviation), constant(0, [made.mean.type.shape[0]!]));
    const statistic = (vector: Value) =>
      fromPlain(reshape(firstEntries(vector, shape[1]!), node.outputs[1]!.type.shape), block);
    return [fromBlocked(y, shape[1]!, block), statistic(made.mean), statistic(made.variance)];
  },
};

/** A number for each channel on a blocked value; behind a batch normalisation in one pass with its division. */
export const channelAffine: Formulation = {
  name: "scale in blocks",
  ops: [ChannelAffine.name],
  build(site) {
    const { node, inputs, block } = site;
    const shape = shapeOf(site, 0);
    if (shape.length !== 4 || !inputs[0]!.hasBlocked) return undefined;
    const centred = centredOf(site, node.inputs[0]!);
    const x = centred?.value ?? inputs[0]!.blocked();
    const s = whole(inputs[1]!.plain(), x);
    const b = inputs[2] ? whole(inputs[2].plain(), x) : constant(0, [x.type.shape[1]!]);
    return [fromBlocked(scaled(x, centred ? div(s, centred.deviation) : s, b), shape[1]!, block)];
  },
};

/** Sums of a product a channel, in blocks: the gradient of a scale. */
export const channelDot: Formulation = {
  name: "gradient of a scale in blocks",
  ops: ["ChannelDot"],
  build(site) {
    const { node, inputs, block } = site;
    const [dy, x] = inputs as [Layouts, Layouts];
    if (shapeOf(site, 0).length !== 4 || !dy.hasBlocked || !x.hasBlocked) return undefined;
    const centred = centredOf(site, node.inputs[1]!);
    const sums = centred
      ? div(sumsWith(site, node.inputs[0]!, dy.blocked(), centred), centred.deviation)
      : channelSums(mul(dy.blocked(), x.blocked()));
    return [fromPlain(firstEntries(sums, node.outputs[0]!.type.shape[0]!), block)];
  },
};

/**
 * Gradient of batch normalisation in blocks. Behind a scale s, dy = s * dz: with u = s / deviation and the x without means,
 * dx = u * dz - u * mean(dz) - x * u * mean(dz * x) / deviation^2, two convolutions of each channel with one number.
 */
export const batchNormalizeGradient: Formulation = {
  name: "gradient of batch normalisation in blocks",
  ops: ["BatchNormalizeGrad"],
  build(site) {
    const { node, inputs, block } = site;
    const shape = shapeOf(site, 0);
    const centred = centredOf(site, node.inputs[1]!);
    if (!centred || !inputs[0]!.hasBlocked) return undefined;
    const scale = node.inputs[0]!.node;
    const isBehind = isOp(scale, ChannelAffine) && scale.inputs.length === 2;
    const dz = isBehind ? scale.inputs[0]! : node.inputs[0]!;
    const blocked = site.layoutsOf(dz).blocked();
    const over = div(constant(1), centred.deviation);
    const u = isBehind ? mul(whole(site.layoutsOf(scale.inputs[1]!).plain(), blocked), over) : over;
    const share = constant(-1 / population(shape));
    const shift = mul(mul(u, sumsOf(site, dz, blocked)), share);
    const slope = mul(mul(mul(u, mul(over, over)), sumsWith(site, dz, blocked, centred)), share);
    const dx = scaled(blocked, u, constant(0, [blocked.type.shape[1]!]), scaled(centred.value, slope, shift));
    return [fromBlocked(dx, shape[1]!, block)];
  },
};
