import { count, type DType, type TensorType } from "./type.js";
import { apply, type Constant, type Elements, type Node, type Op, type Value } from "./value.js";

/** A tensor that is fed at run time under a name: data, a parameter, a learning rate, random numbers. */
export const Input: Op<{ readonly name: string; readonly type: TensorType }> = {
  name: "Input",
  arity: 0,
  infer: ({ type }) => [type],
  onnx: () => {
    throw new Error("an input is not a node");
  },
};

/** A tensor known when the graph is built; becomes an initializer. */
export const Const: Op<Constant> = {
  name: "Constant",
  arity: 0,
  infer: ({ dtype, shape }) => [{ dtype, shape }],
  onnx: () => {
    throw new Error("a constant is not a node");
  },
};

/** Tests whether a node is an input or a constant. */
export const isLeaf = (node: Node): boolean =>
  node.op === (Input as unknown as Op) || node.op === (Const as unknown as Op);

/** A new input leaf. */
export const input = (name: string, type: TensorType): Value => apply(Input, { name, type });

/** The name of an input leaf, or undefined for any other value. */
export function inputName(value: Value): string | undefined {
  return value.node.op === (Input as unknown as Op) ? (value.node as Node<{ name: string }>).attrs.name : undefined;
}

/** A float32 constant; a number is a scalar. */
export function constant(data: number | Float32Array, shape: readonly number[] = []): Value {
  const elements = typeof data === "number" ? new Float32Array(count(shape)).fill(data) : data;
  return constantOf("float32", elements, shape);
}

/** The numbers 0 to n - 1 as a float32 constant, [n] unless another shape of n entries is given. */
export const arange = (n: number, shape: readonly number[] = [n]): Value =>
  constant(
    Float32Array.from({ length: n }, (_, i) => i),
    shape,
  );

/** A constant of any element type. Throws if the number of elements is not the shape's. */
export function constantOf(dtype: DType, data: Elements, shape: readonly number[]): Value {
  if (data.length !== count(shape)) throw new Error(`${data.length} elements do not fill [${shape}]`);
  return apply(Const, { dtype, shape, data });
}

/** int64 numbers as a tensor that an OnnxCall takes for axes, pads or shapes. */
export function int64(values: readonly number[], shape: readonly number[] = [values.length]): Constant {
  return { dtype: "int64", shape, data: BigInt64Array.from(values, BigInt) };
}
