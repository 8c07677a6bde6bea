import { type ConvAttrs, type PoolAttrs, reshape } from "../../ops/index.js";
import { blockedAveragePoolGradient, blockedWindows, spreads } from "./average-pool.js";
import { blockedForward, groupsFit } from "./conv.js";
import { blockedInputGradient, pointwiseInputGradient } from "./conv-input-gradient.js";
import { bandsOf, blockedWeightGradient } from "./conv-weight-gradient.js";
import { fromBlocked, fromPlain, interleaved, type Layouts } from "./layout.js";
import { hasMasks, type MaskedMaxPool, maskedMaxPool } from "./max-pool-gradient.js";
import { blockedAveragePool } from "./nchwc.js";
import { lastChannels, pixelProduct } from "./pointwise.js";
import { attrsOf, type Formulation, type RewriteSite, shapeOf } from "./rules.js";

/** Tests whether the blocked kernels take a convolution with filters of this shape: two axes, groups of whole blocks. */
const takes = (w: readonly number[], { group }: ConvAttrs, block: number): boolean =>
  w.length === 4 && groupsFit(w, group, block) && (group === 1 || w[1]! >= block);

/** Convolution by the blocked kernels. */
export const conv: Formulation = {
  name: "convolution in blocks",
  ops: ["Conv"],
  build(site) {
    const { node, inputs, block } = site;
    const attrs = attrsOf<ConvAttrs>(site);
    const w = shapeOf(site, 1);
    if (!takes(w, attrs, block)) return undefined;
    const planes = w[1]! * attrs.group < block;
    const x = planes ? inputs[0]!.plain() : inputs[0]!.blocked();
    const y = blockedForward(x, inputs[1]!.plain(), inputs[2]?.plain(), attrs, block);
    return [fromBlocked(y, node.outputs[0]!.type.shape[1]!, block)];
  },
};

/**
 * Size of x by that of dy, by block, up to which flipped filters are faster than ConvTranspose: beyond it they multiply mostly padding.
 * LeNet's second convolution (2.25) at two threads: 2.4 ms against 3.1 with blocks of 16, and slower with blocks of 8.
 */
const REACH: Readonly<Record<number, number>> = { 8: 1.6, 16: 2.5 };

/** Gradient of a convolution's input: flipped filters at stride 1 by the blocked kernels, a matrix product for 1 by 1. */
export const convInputGradient: Formulation = {
  name: "input gradient in blocks",
  ops: ["ConvInputGrad"],
  build(site) {
    const { node, inputs, block } = site;
    const attrs = attrsOf<ConvAttrs>(site);
    const [k, , kh, kw] = shapeOf(site, 1) as [number, number, number, number];
    const [, c, h, width] = node.outputs[0]!.type.shape as [number, number, number, number];
    const [, , oh, ow] = shapeOf(site, 0) as [number, number, number, number];
    const isPixels = isPointwise(shapeOf(site, 1), attrs);
    if (!takes(shapeOf(site, 1), attrs, block)) return undefined;
    const isSmall = c < block || k < block;
    const w = inputs[1]!.plain();
    if (attrs.strides.some((s) => s !== 1)) {
      const [sh, sw] = attrs.strides as [number, number];
      if (!isPixels || isSmall || !inputs[0]!.hasBlocked || oh * sh < h || ow * sw < width) return undefined;
      const seen = blockedInputGradient(inputs[0]!.blocked(), w, attrs, block);
      return [fromBlocked(interleaved(seen, [sh, sw], [h, width], block), c, block)];
    }
    if (isPixels && !inputs[0]!.hasBlocked) return [fromPlain(pointwiseInputGradient(inputs[0]!.plain(), w), block)];
    // A pad beyond the kernel would be a negative one of the flipped convolution.
    if ([kh, kw].some((k1, i) => attrs.pads[i]! > (k1 - 1) * attrs.dilations[i]!)) return undefined;
    if (h * width > REACH[block]! * oh * ow || isSmall) return undefined;
    return [fromBlocked(blockedInputGradient(inputs[0]!.blocked(), w, attrs, block), c, block)];
  },
};

/** Gradient of a convolution's weights by swapped roles on the blocked kernels. */
export const convWeightGradient: Formulation = {
  name: "weight gradient in blocks",
  ops: ["ConvWeightGrad"],
  build(site) {
    const { node, inputs, block } = site;
    const attrs = attrsOf<ConvAttrs>(site);
    const shape = node.outputs[0]!.type.shape;
    if (isPointwise(shape, attrs)) return pointwiseWeights(site, attrs);
    if (!takes(shape, attrs, block)) return undefined;
    const [n, , oh] = shapeOf(site, 1) as [number, number, number];
    const bands = bandsOf(n, oh, block);
    const dw = blockedWeightGradient(inputs[0]!.plain(), inputs[1]!.blocked(), shape, attrs, block, bands);
    return [fromPlain(dw, block)];
  },
};

/** Tests whether a convolution is a matrix product of pixels. */
const isPointwise = (w: readonly number[], { group, pads }: ConvAttrs): boolean =>
  w.length === 4 && w[2]! * w[3]! === 1 && group === 1 && pads.every((pad) => pad === 0);

/** dW of a 1 by 1 convolution whose x or dy is in blocks: one matrix product of the pixels that windows lie on, channels last. */
function pointwiseWeights(site: RewriteSite, { strides }: ConvAttrs): readonly Layouts[] | undefined {
  const { node, inputs, block } = site;
  if (!inputs.some((input) => input.hasBlocked)) return undefined;
  const [, , oh, ow] = shapeOf(site, 1) as [number, number, number, number];
  const pixels = (i: 0 | 1) =>
    site.memo(node.inputs[i]!, "pixels", () => lastChannels(inputs[i]!, node.inputs[i]!.type.shape));
  const dw = pixelProduct(pixels(0), pixels(1), [oh, ow], [strides[0]!, strides[1]!]);
  return [fromPlain(reshape(dw, node.outputs[0]!.type.shape), block)];
}

/** Max pooling in rows and columns, shared with the gradient that compares with both. */
const masked = (site: RewriteSite, x: number): MaskedMaxPool =>
  site.memo(site.node.inputs[x]!, `max ${JSON.stringify(site.node.attrs)}`, () =>
    maskedMaxPool(site.inputs[x]!.blocked(), attrsOf<PoolAttrs>(site), site.block),
  );

/** Max pooling without indices. */
export const maxPool: Formulation = {
  name: "max pooling in blocks",
  ops: ["MaxPool"],
  build(site) {
    const { node, block } = site;
    const y = node.outputs[0]!.type.shape;
    // Indices that a layer gives as a blob are the kernel's own.
    const isGradientAlone = site.users(node.outputs[1]!).every(({ op }) => op.name === "MaxPoolGrad");
    if (!isGradientAlone || !hasMasks(attrsOf<PoolAttrs>(site), shapeOf(site, 0), y)) return undefined;
    return [fromBlocked(masked(site, 0).y, y[1]!, block)];
  },
};

/** Gradient of max pooling by comparisons with what was pooled. */
export const maxPoolGradient: Formulation = {
  name: "max pooling's gradient by masks",
  ops: ["MaxPoolGrad"],
  build(site) {
    const { inputs, block } = site;
    if (site.inputs[2] !== undefined || !hasMasks(attrsOf<PoolAttrs>(site), shapeOf(site, 0), shapeOf(site, 1)))
      return undefined;
    return [fromBlocked(masked(site, 0).gradient(inputs[1]!.blocked()), shapeOf(site, 0)[1]!, block)];
  },
};

/** Average pooling of a value that is in blocks. */
export const averagePool: Formulation = {
  name: "average pooling in blocks",
  ops: ["AveragePool"],
  build(site) {
    const { node, inputs, block } = site;
    const attrs = attrsOf<PoolAttrs>(site);
    if (shapeOf(site, 0).length !== 4 || !inputs[0]!.hasBlocked) return undefined;
    const y = blockedAveragePool(inputs[0]!.blocked(), blockedWindows(attrs));
    return [fromBlocked(y, node.outputs[0]!.type.shape[1]!, block)];
  },
};

/** Gradient of average pooling, in blocks. */
export const averagePoolGradient: Formulation = {
  name: "average pooling's gradient in blocks",
  ops: ["AveragePoolGrad"],
  build(site) {
    const { node, inputs, block } = site;
    const attrs = attrsOf<PoolAttrs>(site);
    const x = node.outputs[0]!.type.shape;
    if (x.length !== 4 || !spreads(attrs, x, shapeOf(site, 0))) return undefined;
    const dx = blockedAveragePoolGradient(inputs[0]!.blocked(), attrs, [x[2]!, x[3]!], block);
    return [fromBlocked(dx, x[1]!, block)];
  },
};
