import { Const, computed, isOp, type Node, type Value } from "../../../graph/index.js";
import {
  Add,
  AveragePool,
  Clip,
  Concat,
  Conv,
  Gemm,
  MatMul,
  MaxPool,
  Relu,
  Reshape,
  Transpose,
} from "../../../ops/index.js";
import { GlobalAveragePool, OpenAveragePool, OpenMaxPool } from "../../../ops/inference.js";
import { constantData } from "../simplify.js";

/** Form of a graph in 8 bits. */
export interface Places {
  /** Nodes with 8-bit weights. */
  readonly weighted: ReadonlySet<Node>;
  /** Values that are 8-bit numbers, with the value whose range they have (most often their own). */
  readonly quantized: ReadonlyMap<Value, Value>;
}

/** Ops that only move numbers or choose among them: onnxruntime runs them on 8-bit numbers where in and out have one scale. */
const MOVING = [MaxPool, OpenMaxPool, Reshape, Transpose] as const;
/** Ops that onnxruntime computes on 8-bit numbers with scales of their own. */
const COMPUTING = [Add, Concat, AveragePool, OpenAveragePool, GlobalAveragePool, Relu] as const;

const isMoving = (node: Node) => MOVING.some((op) => node.op === (op as unknown as Node["op"]));
const isComputing = (node: Node) => COMPUTING.some((op) => node.op === (op as unknown as Node["op"]));

/** Tests whether a node has weights that are 8-bit numbers in an int8 model: convolutions and inner products with constant weights. */
function hasWeights(node: Node): boolean {
  const isOne = isOp(node, Conv) || isOp(node, MatMul) || (isOp(node, Gemm) && !node.attrs.transA);
  const [x, w, b] = node.inputs;
  if (!isOne || !x || constantData(x)) return false;
  return constantData(w!)?.dtype === "float32" && w!.type.shape.length >= 2 && (!b || constantData(b) !== undefined);
}

/**
 * Places of 8-bit numbers in a graph: into and out of convolutions and inner products, and between them as far as
 * onnxruntime has 8-bit kernels. Outputs of inner products that nothing goes on with in 8 bits stay float, since they can. `left`
 * are layers that stay float.
 */
export function quantizedPlaces(ends: readonly Value[], left: ReadonlySet<string>): Places {
  const order = computed(ends);
  const users = new Map<Value, Node[]>();
  for (const node of order) for (const input of node.inputs) users.set(input, [...(users.get(input) ?? []), node]);
  const weighted = new Set(order.filter((node) => hasWeights(node) && !left.has(node.label)));
  const tailOf = (value: Value): Value => {
    const [user, ...others] = users.get(value) ?? [];
    const isTail = user && others.length === 0 && !ends.includes(value) && clipsBelowZero(user);
    return isTail ? user.outputs[0]! : value;
  };
  const goesOn = new Map<Value, boolean>();
  /** Tests whether 8-bit numbers here are some 8-bit op's input in the end. */
  const isWanted = (value: Value): boolean => {
    const known = goesOn.get(value);
    if (known !== undefined) return known;
    goesOn.set(value, false);
    const wanted = (users.get(value) ?? []).some((user) =>
      weighted.has(user)
        ? user.inputs[0] === value
        : (isMoving(user) || isComputing(user)) && !left.has(user.label) && isWanted(user.outputs[0]!),
    );
    goesOn.set(value, wanted);
    return wanted;
  };
  const quantized = new Map<Value, Value>();
  for (const node of order.toReversed()) for (const output of node.outputs) isWanted(output);
  for (const node of order) {
    const output = node.outputs[0]!;
    const tail = tailOf(output);
    if (weighted.has(node)) {
      const x = node.inputs[0]!;
      if (!quantized.has(x)) quantized.set(x, x);
      // A convolution has no 8-bit kernel with float outputs, an inner product has.
      if (isOp(node, Conv) || isWanted(tail)) quantized.set(tail, tail);
    } else if (isMoving(node) && !left.has(node.label)) {
      const range = quantized.get(node.inputs[0]!);
      if (range && isWanted(output)) quantized.set(output, range);
    } else if (isComputing(node) && !quantized.has(output) && !left.has(node.label)) {
      const all = node.inputs.every((input) => quantized.has(input) && !isOp(input.node, Const));
      if (all && isWanted(tail)) quantized.set(tail, tail);
    }
  }
  return { weighted, quantized };
}

/** ReLU and ReLU6, which go into the op before them: an 8-bit zero point of 0 clips as they do. */
function clipsBelowZero(node: Node): boolean {
  if (isOp(node, Relu)) return true;
  const low = isOp(node, Clip) ? constantData(node.inputs[1]!) : undefined;
  return low !== undefined && Number(low.data[0]) >= 0;
}
