import {
  applyAll,
  Const,
  type Constant,
  constant,
  constantOf,
  isOp,
  type Node,
  rebuilt,
  rewrite,
  sameShape,
  topological,
  type Value,
} from "../graph/index.js";
import { buildSession } from "../onnx/build.js";
import { Add, Div, Expand, Mul, Reshape, reshape, StopGradient, Sub, WithGradientOf } from "../ops/index.js";

/** A value's elements, where they are known when the graph is built. */
export const constantData = (value: Value): Constant | undefined =>
  isOp(value.node, Const) ? (value.node.attrs as Constant) : undefined;

/** Whether a value is a constant whose elements are all this number. */
function isAll(value: Value, number: number): boolean {
  const known = constantData(value);
  return known !== undefined && known.dtype === "float32" && (known.data as Float32Array).every((x) => x === number);
}

const isZero = (x: Value) => x.type.shape.length === 0 && isAll(x, 0);

/** What only gradients need goes: stopped gradients, gradients of other paths, differences of a value with itself. */
export function dropGradients(values: Iterable<Value>): ReadonlyMap<Value, Value> {
  return rewrite(values, (node, inputs) => {
    if (isOp(node, StopGradient) || isOp(node, WithGradientOf)) return [inputs[0]!];
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

/**
 * Computes, with onnxruntime, every value that depends on constants alone, and puts the results in its place. With `openDims` a
 * constant that is only stretched stays as it is: its size may be one that the file is to leave open.
 */
export async function foldConstants(values: readonly Value[], openDims: boolean): Promise<ReadonlyMap<Value, Value>> {
  const known = new Set<Node>();
  const wanted = new Set<Value>();
  const order = topological(values);
  for (const node of order) {
    const fixed = isOp(node, Const) || (node.inputs.length > 0 && node.inputs.every((input) => known.has(input.node)));
    if (fixed && !(openDims && isOp(node, Expand))) known.add(node);
    else for (const input of node.inputs) if (known.has(input.node)) wanted.add(input);
  }
  for (const value of values) if (known.has(value.node)) wanted.add(value);
  const computed = [...wanted].filter((value) => !isOp(value.node, Const));
  const results = new Map<Value, Value>();
  // A constant under another shape needs no computing, and large ones are not to be copied.
  const left = computed.filter((value) => {
    const data = isOp(value.node, Reshape) ? constantData(value.node.inputs[0]!) : undefined;
    if (data) results.set(value, constantOf(data.dtype, data.data, value.type.shape));
    return !data;
  });
  for (const [value, folded] of await evaluate(left)) results.set(value, folded);
  return rewrite(values, (node, inputs) => {
    const outputs = node.outputs.map((value) => results.get(value));
    if (outputs.every((value) => value === undefined)) return undefined;
    const rest = outputs.every((value) => value) ? node.outputs : rebuilt(node, inputs);
    return outputs.map((value, i) => value ?? rest[i]!);
  });
}

async function evaluate(values: readonly Value[]): Promise<readonly (readonly [Value, Value])[]> {
  if (values.length === 0) return [];
  const outputs = new Map(values.map((value, i) => [`v${i}`, value]));
  await using session = await buildSession({ name: "constants", outputs }, { optimise: false });
  const results = await session.run({}, [...outputs.keys()]);
  return values.map((value, i) => {
    const { dtype, shape } = value.type;
    return [value, constantOf(dtype, results[`v${i}`]!.slice(), shape)] as const;
  });
}

/** The nodes again with leaves replaced: parameters by their weights. */
export const substitute = (values: Iterable<Value>, leaves: ReadonlyMap<Value, Value>): ReadonlyMap<Value, Value> =>
  rewrite(values, (node) => {
    const value = leaves.get(node.outputs[0]!);
    return value && [value];
  });

/** A node's op on other inputs. */
export const again = (node: Node, ...inputs: readonly Value[]): Value => applyAll(node.op, node.attrs, ...inputs)[0]!;
