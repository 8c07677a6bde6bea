import { type Attribute, apply, type Node, type Op, type Value } from "../../graph/index.js";

/**
 * Ops of onnxruntime's own domain for blocked layouts, which its optimizer writes where weights are constant. A blocked value is
 * declared [n, c, h, w] with c a multiple of the block B, and its memory is [n, c/B, h, w, B]. B is 8 with AVX2, 16 with AVX-512:
 * whatever `ReorderInput` makes of one channel. No file that leaves netrun has these ops.
 */
const DOMAIN = "com.microsoft.nchwc";

/** The smallest multiple of `block` that is not below n. */
export const roundUp = (n: number, block: number): number => Math.ceil(n / block) * block;

/** [n, c, h, w], or [n, h, w, c] with the channels last, in memory order to blocked; c is a multiple of the block. */
const ReorderInput: Op<{ readonly last: boolean }> = {
  name: "nchwc.ReorderInput",
  arity: 1,
  infer({ last }, x) {
    if (!last) return [x!];
    const [n, h, w, c] = x!.shape as [number, number, number, number];
    return [{ dtype: x!.dtype, shape: [n, c, h, w] }];
  },
  onnx: ({ inputs, attrs }) => ({
    domain: DOMAIN,
    opType: "ReorderInput",
    inputs,
    attributes: { channels_last: { i: attrs.last ? 1 : 0 } },
  }),
};

/** Blocked to [n, channels, h, w] in memory order, or with the channels last: [n, h, w, channels]. */
const ReorderOutput: Op<{ readonly channels: number; readonly last: boolean }> = {
  name: "nchwc.ReorderOutput",
  arity: 1,
  infer: ({ channels, last }, x) => {
    const [n, , ...size] = x!.shape as [number, number, ...number[]];
    return [{ dtype: x!.dtype, shape: last ? [n, ...size, channels] : [n, channels, ...size] }];
  },
  onnx: ({ inputs, attrs }) => ({
    domain: DOMAIN,
    opType: "ReorderOutput",
    inputs,
    attributes: { channels: { i: attrs.channels }, channels_last: { i: attrs.last ? 1 : 0 } },
  }),
};

/** Geometry of a blocked window op: pads are [before, after] an axis. */
export interface BlockedWindows {
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly pads: readonly [readonly [number, number], readonly [number, number]];
}

export interface BlockedConvAttrs extends BlockedWindows {
  readonly dilations: readonly [number, number];
  readonly group: number;
  /** True if the kernel takes the maximum with 0 as it stores. */
  readonly relu?: boolean;
}

const spatial = ({ kernel, strides, pads }: BlockedWindows, shape: readonly number[], dilations = [1, 1]) =>
  kernel.map((k, i) => {
    const room = shape[i + 2]! + pads[i]![0] + pads[i]![1] - ((k - 1) * dilations[i]! + 1);
    return Math.floor(room / strides[i]!) + 1;
  });

const windowAttributes = ({ kernel, strides, pads }: BlockedWindows): Record<string, Attribute> => ({
  kernel_shape: { ints: kernel },
  strides: { ints: strides },
  pads: { ints: [pads[0][0], pads[1][0], pads[0][1], pads[1][1]] },
});

/**
 * Convolution of a blocked x with filters [k, c/group, kh, kw] whose memory is [k/B, c/group/B, kh, kw, B, B]: c before k. Inputs are
 * x, w, a bias [k] and a value of the output's shape that is added before the result is stored.
 */
export const BlockedConv: Op<BlockedConvAttrs> = {
  name: "nchwc.Conv",
  arity: [2, 4],
  infer: (attrs, x, w) => [
    { dtype: x!.dtype, shape: [x!.shape[0]!, w!.shape[0]!, ...spatial(attrs, x!.shape, [...attrs.dilations])] },
  ],
  onnx: (node) => ({
    domain: DOMAIN,
    opType: "Conv",
    inputs: node.inputs,
    attributes: {
      ...windowAttributes(node.attrs),
      dilations: { ints: node.attrs.dilations },
      group: { i: node.attrs.group },
      ...(node.attrs.relu && { activation: { s: "Relu" } }),
    },
  }),
};

const pooling = (opType: string, extra: Record<string, Attribute>): Op<BlockedWindows> => ({
  name: `nchwc.${opType}`,
  arity: 1,
  infer: (attrs, x) => [{ dtype: x!.dtype, shape: [x!.shape[0]!, x!.shape[1]!, ...spatial(attrs, x!.shape)] }],
  onnx: (node: Node<BlockedWindows>) => ({
    domain: DOMAIN,
    opType,
    inputs: node.inputs,
    attributes: { ...windowAttributes(node.attrs), ...extra },
  }),
});

/** Mean of each plane: [n, c, 1, 1]. */
const BlockedGlobalAverage: Op<null> = {
  name: "nchwc.GlobalAveragePool",
  arity: 1,
  infer: (_, x) => [{ dtype: x!.dtype, shape: [x!.shape[0]!, x!.shape[1]!, 1, 1] }],
  onnx: (node) => ({ domain: DOMAIN, opType: "GlobalAveragePool", inputs: node.inputs, attributes: {} }),
};

const BlockedMaxPool = pooling("MaxPool", {});
const BlockedAveragePool = pooling("AveragePool", { count_include_pad: { i: 1 } });

/** [n, c, h, w] in memory order to blocked; c is a multiple of the block. */
export const reorderInput = (x: Value): Value => apply(ReorderInput, { last: false }, x);

/** [n, h, w, c] in memory order to blocked [n, c, h, w]; c is a multiple of the block. */
export const fromChannelsLast = (x: Value): Value => apply(ReorderInput, { last: true }, x);

/** The first `channels` channels of a blocked value in memory order. */
export const reorderOutput = (x: Value, channels: number): Value => apply(ReorderOutput, { channels, last: false }, x);

/** The same with the channels last: [n, h, w, channels]. */
export const channelsLast = (x: Value, channels: number): Value => apply(ReorderOutput, { channels, last: true }, x);

/** Convolution of a blocked x with blocked filters, a bias [k] that is as long as the filters are many, and beside a bias a blocked summand. */
export const blockedConv = (x: Value, w: Value, attrs: BlockedConvAttrs, b?: Value, plus?: Value): Value =>
  apply(BlockedConv, attrs, x, w, ...(b ? [b] : []), ...(b && plus ? [plus] : []));
/** Mean of each plane of a blocked value, [n, c, 1, 1]. */
export const blockedGlobalAverage = (x: Value): Value => apply(BlockedGlobalAverage, null, x);
export const blockedMaxPool = (x: Value, attrs: BlockedWindows): Value => apply(BlockedMaxPool, attrs, x);
/** Mean of each window, padding counted as zeros. */
export const blockedAveragePool = (x: Value, attrs: BlockedWindows): Value => apply(BlockedAveragePool, attrs, x);

/** op(A) op(B) over the last two axes, transposed where said: one kernel of onnxruntime's, where MatMul needs a Transpose. */
const FusedMatMul: Op<{ readonly transA: boolean; readonly transB: boolean }> = {
  name: "FusedMatMul",
  arity: 2,
  infer: ({ transA, transB }, a, b) => {
    const lead = a!.shape.length >= b!.shape.length ? a!.shape.slice(0, -2) : b!.shape.slice(0, -2);
    const m = a!.shape.at(transA ? -1 : -2)!;
    const n = b!.shape.at(transB ? -2 : -1)!;
    return [{ dtype: a!.dtype, shape: [...lead, m, n] }];
  },
  onnx: (node) => ({
    domain: "com.microsoft",
    opType: "FusedMatMul",
    inputs: node.inputs,
    attributes: { transA: { i: Number(node.attrs.transA) }, transB: { i: Number(node.attrs.transB) } },
  }),
};

/** Matrix product over the last two axes of either input or its transpose. */
export const fusedMatMul = (a: Value, b: Value, { transA = false, transB = false }): Value =>
  apply(FusedMatMul, { transA, transB }, a, b);
