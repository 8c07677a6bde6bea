import { apply, constant, constantOf, type Op, type Value } from "../graph/index.js";

/** y = saturate(round(x / scale) + zero), ties to even. Inputs x, scale, zero point, the two last ones scalars; y has the zero point's type. */
export const QuantizeLinear: Op<null> = {
  name: "QuantizeLinear",
  arity: 3,
  infer: (_, x, __, zero) => [{ dtype: zero!.dtype, shape: x!.shape }],
  onnx: (node) => ({ opType: "QuantizeLinear", inputs: node.inputs, attributes: {} }),
};

/** y = (x - zero) * scale; scale (and zero, where it is given) scalars, or [d] with a number for each entry along `axis`. */
export const DequantizeLinear: Op<{ readonly axis: number | undefined }> = {
  name: "DequantizeLinear",
  arity: [2, 3],
  infer: (_, x) => [{ dtype: "float32", shape: x!.shape }],
  onnx: (node) => ({
    opType: "DequantizeLinear",
    inputs: node.inputs,
    attributes: node.attrs.axis === undefined ? {} : { axis: { i: node.attrs.axis } },
  }),
};

/** Mapping of 8-bit numbers to real ones: real = (stored - zero) * scale. */
export interface Affine8 {
  readonly scale: number;
  readonly zero: number;
}

/** x as uint8 numbers. */
export const quantize = (x: Value, { scale, zero }: Affine8): Value =>
  apply(QuantizeLinear, null, x, constant(scale), constantOf("uint8", Uint8Array.of(zero), []));

/** uint8 numbers as floats again. */
export const dequantize = (x: Value, { scale, zero }: Affine8): Value =>
  apply(DequantizeLinear, { axis: undefined }, x, constant(scale), constantOf("uint8", Uint8Array.of(zero), []));

/**
 * Stored weights as floats, with a scale for each entry along an axis. `zeros` are their zero points, all 0: onnxruntime has
 * 8-bit inner products only for weights that name them.
 */
export const dequantizeAxis = (x: Value, scales: Float32Array, axis: number, zeros?: Int8Array): Value => {
  const scale = constant(scales, [scales.length]);
  return zeros
    ? apply(DequantizeLinear, { axis }, x, scale, constantOf("int8", zeros, [zeros.length]))
    : apply(DequantizeLinear, { axis }, x, scale);
};
