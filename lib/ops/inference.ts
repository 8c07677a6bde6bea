import { type Attribute, apply, type Op, type Value } from "../graph/index.js";

/** An op for inference alone, whose first output has its first input's type. */
function likeFirst<A>(name: string, arity: Op["arity"], attributes: (attrs: A) => Record<string, Attribute>): Op<A> {
  return {
    name,
    arity,
    infer: (_, x) => [x!],
    onnx: (node) => ({ opType: name, inputs: node.inputs, attributes: attributes(node.attrs) }),
  };
}

/** y = scale * (x - mean) / sqrt(variance + epsilon) + bias by channel. Inputs x [n,c,...], scale, bias, mean, variance [c]. */
export const BatchNormalization: Op<{ readonly epsilon: number }> = likeFirst(
  "BatchNormalization",
  5,
  ({ epsilon }) => ({ epsilon: { f: epsilon } }),
);

/**
 * Each channel from a mixture of all at the same place: a 1x1 convolution that is no layer's, whose weights are not trained. Inputs
 * x [n,c,h,w], mixture [c,c,1,1], bias [c].
 */
export const ChannelMix: Op<null> = {
  name: "ChannelMix",
  arity: 3,
  infer: (_, x) => [x!],
  onnx: (node) => ({ opType: "Conv", inputs: node.inputs, attributes: {} }),
};

function globalPool(name: string): Op<null> {
  return {
    name,
    arity: 1,
    infer: (_, x) => [{ dtype: x!.dtype, shape: x!.shape.map((dim, i) => (i < 2 ? dim : 1)) }],
    onnx: (node) => ({ opType: name, inputs: node.inputs, attributes: {} }),
  };
}

/** Mean of each plane: [n,c,...] to [n,c,1...]. */
export const GlobalAveragePool = globalPool("GlobalAveragePool");
/** Maximum of each plane: [n,c,...] to [n,c,1...]. */
export const GlobalMaxPool = globalPool("GlobalMaxPool");

/** Windows over the axes after channels, for any size of them; pads are the same before and after. */
interface OpenPoolAttrs {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly pads: readonly number[];
  /** True if a last window may reach beyond the padded input (sizes are rounded up). */
  readonly ceil: boolean;
}

function openPool(name: string, attributes: Record<string, Attribute>): Op<OpenPoolAttrs> {
  return {
    name,
    arity: 1,
    infer: ({ kernel, strides, pads, ceil }, x) => {
      const round = ceil ? Math.ceil : Math.floor;
      const spatial = kernel.map((k, i) => round((x!.shape[i + 2]! + 2 * pads[i]! - k) / strides[i]!) + 1);
      return [{ dtype: x!.dtype, shape: [...x!.shape.slice(0, 2), ...spatial] }];
    },
    onnx: ({ inputs, attrs: { kernel, strides, pads, ceil } }) => ({
      opType: name,
      inputs,
      attributes: {
        kernel_shape: { ints: kernel },
        strides: { ints: strides },
        pads: { ints: [...pads, ...pads] },
        ceil_mode: { i: Number(ceil) },
        ...attributes,
      },
    }),
  };
}

/** Maximum of each window; the same attributes for every size of x [n,c,...]. */
export const OpenMaxPool = openPool("MaxPool", {});
/** Mean of what each window has of x [n,c,...], padding not counted; the same attributes for every size. */
export const OpenAveragePool = openPool("AveragePool", { count_include_pad: { i: 0 } });

interface RoiAlignAttrs {
  readonly pooled: readonly [height: number, width: number];
  readonly scale: number;
  /** Samples of an axis in a cell; 0: as many as a cell has entries, rounded up. */
  readonly samples: number;
}

/** Means of bilinear samples in each cell of a grid laid over each box. x [n,c,h,w], corners [r,4], items int64 [r], y [r,c,...pooled]. */
export const RoiAlign: Op<RoiAlignAttrs> = {
  name: "RoiAlign",
  arity: 3,
  infer: ({ pooled }, x, corners) => [{ dtype: x!.dtype, shape: [corners!.shape[0]!, x!.shape[1]!, ...pooled] }],
  onnx: ({ attrs: { pooled, scale, samples }, inputs }) => ({
    opType: "RoiAlign",
    inputs,
    attributes: {
      // Corners are places as they are; boxes are at least 1 large.
      coordinate_transformation_mode: { s: "output_half_pixel" },
      mode: { s: "avg" },
      output_height: { i: pooled[0] },
      output_width: { i: pooled[1] },
      sampling_ratio: { i: samples },
      spatial_scale: { f: scale },
    },
  }),
};

/** Batch normalisation with given statistics. */
export const batchNormalization = (x: Value, [scale, bias, mean, variance]: readonly Value[], epsilon: number): Value =>
  apply(BatchNormalization, { epsilon }, x, scale!, bias!, mean!, variance!);
