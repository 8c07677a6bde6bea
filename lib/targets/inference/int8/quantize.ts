import { computed, inputName, isOp, labelled, type Node, rebuilt, rewrite, type Value } from "../../../graph/index.js";
import { Conv, Gemm } from "../../../ops/index.js";
import { type Affine8, dequantize, quantize } from "../../../ops/quantize.js";
import { again } from "../simplify.js";
import { quantizedPlaces } from "./places.js";
import type { Weights8 } from "./weights.js";

/** Results of calibration. */
export interface Calibration {
  /** Storage of each value, by its key. */
  readonly stored: ReadonlyMap<string, Affine8>;
  /** Layers with 8-bit weights. */
  readonly layers: readonly string[];
  /** Layers that stay float, and why. */
  readonly left: ReadonlyMap<string, string>;
  readonly weights: Weights8;
}

/** A name for each value of a graph that is the same whatever its shapes are: its layer, its op, and which of those it is. */
export function keysOf(ends: readonly Value[]): ReadonlyMap<Value, string> {
  const seen = new Map<string, number>();
  const keys = new Map<Value, string>();
  for (const node of computed(ends)) {
    const base = `${node.label}|${node.op.name}`;
    const k = seen.get(base) ?? 0;
    seen.set(base, k + 1);
    for (const output of node.outputs) keys.set(output, `${base}|${k}|${output.index}`);
  }
  return keys;
}

/**
 * The graph with QuantizeLinear and DequantizeLinear around what is to be computed in 8 bits: activations as uint8 numbers, weights as
 * int8 ones with a scale for each output channel, biases as int32 ones with the scale of the products.
 */
export function toInt8(ends: readonly Value[], { stored, left, weights }: Calibration): ReadonlyMap<Value, Value> {
  const { weighted, quantized } = quantizedPlaces(ends, new Set(left.keys()));
  const keys = keysOf(ends);
  const affine = (value: Value): Affine8 => {
    const key = keys.get(quantized.get(value)!)!;
    const found = stored.get(key);
    if (!found) throw new Error(`calibration did not see ${key}`);
    return found;
  };
  return rewrite(ends, (node, inputs) => {
    const outputs = weighted.has(node) ? withWeights8(node, inputs, affine(node.inputs[0]!), weights) : undefined;
    if (!node.outputs.some((output) => quantized.has(output))) return outputs;
    const raw = outputs ?? rebuilt(node, inputs);
    return node.outputs.map((output, i) => (quantized.has(output) ? through8(raw[i]!, affine(output), node) : raw[i]!));
  });
}

/** A value by way of 8-bit numbers. */
function through8(value: Value, affine: Affine8, node: Node): Value {
  const label = inputName(value) ?? node.label;
  const stored = labelled(`${label}/quantize`, () => quantize(value, affine));
  return labelled(`${label}/dequantize`, () => dequantize(stored, affine));
}

function withWeights8(node: Node, [x, w, b]: readonly Value[], affine: Affine8, weights: Weights8): readonly Value[] {
  const rank = w!.type.shape.length;
  const axis = isOp(node, Conv) ? 0 : isOp(node, Gemm) && node.attrs.transB ? 0 : rank - 1;
  const stored = labelled(`${node.label}/weights`, () => weights.dequantized(w!, b, axis, affine.scale, node.label));
  return [again(node, x!, ...stored)];
}
