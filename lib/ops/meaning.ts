import type { Node, Op, TensorType } from "../graph/index.js";

/**
 * An op at the level of meaning: it has no ONNX node of its own, a target's passes say how it is computed. `infer` gives its types.
 */
export const meaning = <A>(
  name: string,
  arity: Op<A>["arity"],
  infer: (attrs: A, ...inputs: readonly TensorType[]) => readonly TensorType[],
  vjp?: Op<A>["vjp"],
): Op<A> => ({
  name,
  arity,
  infer,
  onnx: (_node: Node<A>) => {
    throw new Error(`${name} is not an ONNX node: a target's passes expand it`);
  },
  ...(vjp && { vjp }),
});
