import { everyNode } from "./body.js";
import { constantOf } from "./leaf.js";
import { rewrite } from "./rewrite.js";
import { count, type DType } from "./type.js";
import type { Elements, Value } from "./value.js";

const EMPTY = {
  float32: () => new Float32Array(0),
  float16: () => new Uint16Array(0),
  int64: () => new BigInt64Array(0),
  int32: () => new Int32Array(0),
  int8: () => new Int8Array(0),
  uint8: () => new Uint8Array(0),
  bool: () => new Uint8Array(0),
} as const satisfies Record<DType, () => Elements>;

const isEmpty = ({ type }: Value) => count(type.shape) === 0;

/**
 * New values by old ones, with every value that has no elements as a constant: nothing is computed for it. onnxruntime refuses empty
 * tensors in many an operation (normalisations, reshapes to fewer axes). Gives the values themselves where none is empty.
 */
export function withEmptyConstants(values: readonly Value[]): ReadonlyMap<Value, Value> {
  const nodes = [...everyNode(values)];
  if (!nodes.some((node) => node.inputs.length > 0 && node.outputs.some(isEmpty)))
    return new Map(nodes.flatMap(({ outputs }) => outputs.map((value) => [value, value])));
  return rewrite(values, (node) =>
    node.inputs.length > 0 && node.outputs.every(isEmpty)
      ? node.outputs.map(({ type: { dtype, shape } }) => constantOf(dtype, EMPTY[dtype](), shape))
      : undefined,
  );
}
