import { type Attribute, apply, count, type Node, type Op, type Value } from "../graph/index.js";
import { meaning } from "./meaning.js";
import { reduceSum } from "./reduce.js";

/** Geometry of a convolution, one number a spatial axis; pads are the same before and after. */
export interface ConvAttrs {
  readonly strides: readonly number[];
  readonly pads: readonly number[];
  readonly dilations: readonly number[];
  readonly group: number;
}

export interface ConvTransposeAttrs extends ConvAttrs {
  /** Rows that the matching convolution did not reach, added at the end of each axis. */
  readonly outputPadding: readonly number[];
}

/** Extent of a dilated kernel. */
export const extent = (kernel: number, dilation: number) => dilation * (kernel - 1) + 1;

/** y[n,k] = b[k] + sum over c of x[n,c] * w[k,c], cross-correlation over any number of spatial axes. x [n,c,...], w [k,c/group,...]. */
export const Conv: Op<ConvAttrs> = {
  name: "Conv",
  arity: [2, 3],
  infer: ({ strides, pads, dilations, group }, x, w) => {
    if (x!.shape[1] !== w!.shape[1]! * group)
      throw new Error(`Conv of [${x!.shape}] with [${w!.shape}], group ${group}`);
    const spatial = strides.map((stride, i) => {
      const room = x!.shape[i + 2]! + 2 * pads[i]! - extent(w!.shape[i + 2]!, dilations[i]!);
      return Math.floor(room / stride) + 1;
    });
    return [{ dtype: x!.dtype, shape: [x!.shape[0]!, w!.shape[0]!, ...spatial] }];
  },
  onnx: (node) => ({ opType: "Conv", inputs: node.inputs, attributes: convAttributes(node, node.attrs) }),
  multiplyAdds: ({ inputs, outputs }) => count(outputs[0]!.type.shape) * count(inputs[1]!.type.shape, 1),
  vjp: (node, dy) => {
    const [x, w, b] = node.inputs as [Value, Value, Value | undefined];
    const { attrs } = node;
    const dx = apply(ConvInputGrad, { ...attrs, shape: x.type.shape }, dy, w);
    const dw = apply(ConvWeightGrad, { ...attrs, shape: w.type.shape }, x, dy);
    return b ? [dx, dw, biasGradient(dy)] : [dx, dw];
  },
};

/** The adjoint of Conv in its input: x [n,k,...], w [k,c/group,...], y [n,c,...]. Caffe's Deconvolution. */
export const ConvTranspose: Op<ConvTransposeAttrs> = {
  name: "ConvTranspose",
  arity: [2, 3],
  infer: ({ strides, pads, dilations, group, outputPadding }, x, w) => {
    if (x!.shape[1] !== w!.shape[0]) throw new Error(`ConvTranspose of [${x!.shape}] with [${w!.shape}]`);
    const spatial = strides.map((stride, i) => {
      const full = (x!.shape[i + 2]! - 1) * stride + extent(w!.shape[i + 2]!, dilations[i]!);
      return full - 2 * pads[i]! + outputPadding[i]!;
    });
    return [{ dtype: x!.dtype, shape: [x!.shape[0]!, w!.shape[1]! * group, ...spatial] }];
  },
  onnx: (node) => ({
    opType: "ConvTranspose",
    inputs: node.inputs,
    attributes: { ...convAttributes(node, node.attrs), output_padding: { ints: node.attrs.outputPadding } },
  }),
  multiplyAdds: ({ inputs }) => count(inputs[0]!.type.shape) * count(inputs[1]!.type.shape, 1),
  vjp: (node, dy) => {
    const [x, w, b] = node.inputs as [Value, Value, Value | undefined];
    const { outputPadding: _, ...attrs } = node.attrs;
    const dx = apply(Conv, attrs, dy, w);
    const dw = apply(ConvWeightGrad, { ...attrs, shape: w.type.shape }, dy, x);
    return b ? [dx, dw, biasGradient(dy)] : [dx, dw];
  },
};

/** Geometry of a convolution's gradient, with the shape that it has. */
export interface ConvGradAttrs extends ConvAttrs {
  readonly shape: readonly number[];
}

const gradientOfConv = (name: string): Op<ConvGradAttrs> =>
  meaning(name, 2, ({ shape }, x) => [{ dtype: x!.dtype, shape }]);

/** The gradient of a convolution in its input: dy [n,k,...] and w [k,c/group,...] to dx of the input's shape. */
export const ConvInputGrad = gradientOfConv("ConvInputGrad");
/** The gradient of a convolution in its weights: x [n,c,...] and dy [n,k,...] to dw of the weights' shape [k,c/group,...]. */
export const ConvWeightGrad = gradientOfConv("ConvWeightGrad");

function convAttributes(node: Node<unknown>, attrs: ConvAttrs): Record<string, Attribute> {
  return {
    kernel_shape: { ints: node.inputs[1]!.type.shape.slice(2) },
    strides: { ints: attrs.strides },
    pads: { ints: [...attrs.pads, ...attrs.pads] },
    dilations: { ints: attrs.dilations },
    group: { i: attrs.group },
  };
}

const biasGradient = (dy: Value) =>
  reduceSum(
    dy,
    dy.type.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis])),
  );

/** Convolution with an optional bias. */
export const conv = (x: Value, w: Value, attrs: ConvAttrs, b?: Value): Value =>
  b ? apply(Conv, attrs, x, w, b) : apply(Conv, attrs, x, w);

/** Transposed convolution with an optional bias. */
export function convTranspose(x: Value, w: Value, attrs: ConvAttrs, b?: Value): Value {
  const full = { ...attrs, outputPadding: attrs.strides.map(() => 0) };
  return b ? apply(ConvTranspose, full, x, w, b) : apply(ConvTranspose, full, x, w);
}
