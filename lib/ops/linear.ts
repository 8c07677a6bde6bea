import { apply, broadcastShape, count, type Op, type Value } from "../graph/index.js";
import { reduceSum } from "./reduce.js";
import { transpose } from "./shape.js";

/** Matrix product over the last two axes, both inputs of at least two; leading axes broadcast. */
export const MatMul: Op<null> = {
  name: "MatMul",
  arity: 2,
  infer: (_, a, b) => {
    const [m, k] = a!.shape.slice(-2) as [number, number];
    const [k2, n] = b!.shape.slice(-2) as [number, number];
    if (k !== k2) throw new Error(`MatMul of [${a!.shape}] and [${b!.shape}]`);
    return [{ dtype: a!.dtype, shape: [...broadcastShape(a!.shape.slice(0, -2), b!.shape.slice(0, -2)), m, n] }];
  },
  onnx: (node) => ({ opType: "MatMul", inputs: node.inputs, attributes: {} }),
  multiplyAdds: ({ inputs, outputs }) => count(outputs[0]!.type.shape) * inputs[0]!.type.shape.at(-1)!,
  vjp: (node, dy) => {
    const [a, b] = node.inputs as [Value, Value];
    return [matMul(dy, swapLast(b)), matMul(swapLast(a), dy)];
  },
};

interface GemmAttrs {
  readonly transA: boolean;
  readonly transB: boolean;
}

/** op(A) op(B) + C for matrices; C broadcasts and may be left out. */
export const Gemm: Op<GemmAttrs> = {
  name: "Gemm",
  arity: [2, 3],
  infer: ({ transA, transB }, a, b) => {
    const [m, k] = transA ? [a!.shape[1]!, a!.shape[0]!] : (a!.shape as [number, number]);
    const [k2, n] = transB ? [b!.shape[1]!, b!.shape[0]!] : (b!.shape as [number, number]);
    if (k !== k2) throw new Error(`Gemm of [${a!.shape}] and [${b!.shape}]`);
    return [{ dtype: a!.dtype, shape: [m, n] }];
  },
  onnx: (node) => ({
    opType: "Gemm",
    inputs: node.inputs,
    attributes: { transA: { i: Number(node.attrs.transA) }, transB: { i: Number(node.attrs.transB) } },
  }),
  multiplyAdds: ({ attrs, inputs, outputs }) => {
    const [a] = inputs.map(({ type }) => type.shape);
    return count(outputs[0]!.type.shape) * a![attrs.transA ? 0 : 1]!;
  },
  vjp: (node, dy) => {
    const [a, b, c] = node.inputs as [Value, Value, Value | undefined];
    const { transA, transB } = node.attrs;
    const da = transA ? gemm(b, dy, { transA: transB, transB: true }) : gemm(dy, b, { transB: !transB });
    const db = transB ? gemm(dy, a, { transA: true, transB: transA }) : gemm(a, dy, { transA: !transA });
    return c ? [da, db, c.type.shape.length === 1 ? reduceSum(dy, [0]) : dy] : [da, db];
  },
};

const swapLast = (x: Value) => {
  const rank = x.type.shape.length;
  return transpose(x, [...Array(rank - 2).keys(), rank - 1, rank - 2]);
};

/** Matrix product over the last two axes. */
export const matMul = (a: Value, b: Value): Value => apply(MatMul, null, a, b);

/** op(A) op(B) + C for matrices. */
export function gemm(a: Value, b: Value, options: Partial<GemmAttrs> = {}, c?: Value): Value {
  const attrs = { transA: options.transA ?? false, transB: options.transB ?? false };
  return c ? apply(Gemm, attrs, a, b, c) : apply(Gemm, attrs, a, b);
}
