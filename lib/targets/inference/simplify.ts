import {
  applyAll,
  Const,
  type Constant,
  constant,
  isOp,
  type Node,
  rewrite,
  sameShape,
  type Value,
} from "../../graph/index.js";
import {
  Add,
  BoundGradient,
  Div,
  Mul,
  OwnGradient,
  Reshape,
  reshape,
  StopGradient,
  Sub,
  WithGradientOf,
} from "../../ops/index.js";

/** A value's elements, where they are known when the graph is built. */
export const constantData = (value: Value): Constant | undefined =>
  isOp(value.node, Const) ? (value.node.attrs as Constant) : undefined;

/** Tests whether a value is a constant whose elements are all this number. */
function isAll(value: Value, number: number): boolean {
  const known = constantData(value);
  return known !== undefined && known.dtype === "float32" && (known.data as Float32Array).every((x) => x === number);
}

const isZero = (x: Value) => x.type.shape.length === 0 && isAll(x, 0);

/** Ops that change nothing but gradients. */
const GRADIENTS_ONLY = [StopGradient, WithGradientOf, BoundGradient, OwnGradient] as readonly unknown[];

/** Removes what only gradients need: stopped gradients, gradients of other paths, differences of a value with itself. */
export function dropGradients(values: Iterable<Value>): ReadonlyMap<Value, Value> {
  return rewrite(values, (node, inputs) => {
    if (GRADIENTS_ONLY.includes(node.op)) return [inputs[0]!];
    if (isOp(node, Sub) && inputs[0] === inputs[1]) return [constant(0)];
    const x = neutral(node, inputs);
    return x ? [x] : undefined;
  });
}

/** The operand that x + 0, x - 0, x * 1, x / 1 or a chain of reshapes comes to. */
function neutral(node: Node, [a, b]: readonly Value[]): Value | undefined {
  const same = (x: Value) => (sameShape(x.type.shape, node.outputs[0]!.type.shape) ? x : undefined);
  if (isOp(node, Add) && isAll(b!, 0)) return same(a!);
  if (isOp(node, Add) && isAll(a!, 0)) return same(b!);
  if (isOp(node, Sub) && isAll(b!, 0)) return same(a!);
  if (isOp(node, Mul) && isAll(b!, 1)) return same(a!);
  if (isOp(node, Mul) && isAll(a!, 1)) return same(b!);
  // A scalar 0 that was a tensor stands for a difference of a value with itself.
  if (isOp(node, Mul) && [a!, b!].some((x, i) => isZero(x) && node.inputs[i]!.type.shape.length > 0))
    return constant(0);
  if (isOp(node, Div) && isAll(b!, 1)) return same(a!);
  if (isOp(node, Reshape)) {
    const from = isOp(a!.node, Reshape) ? a!.node.inputs[0]! : a!;
    if (from !== a || sameShape(from.type.shape, node.attrs.shape)) return reshape(from, node.attrs.shape);
  }
  return undefined;
}

/** The nodes again with leaves replaced: parameters by their weights. */
export const substitute = (values: Iterable<Value>, leaves: ReadonlyMap<Value, Value>): ReadonlyMap<Value, Value> =>
  rewrite(values, (node) => {
    const value = leaves.get(node.outputs[0]!);
    return value && [value];
  });

/** A node's op on other inputs. */
export const again = (node: Node, ...inputs: readonly Value[]): Value => applyAll(node.op, node.attrs, ...inputs)[0]!;
