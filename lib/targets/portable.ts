import { isOp, type Node, rewrite, type Value, withEmptyConstants } from "../graph/index.js";
import { ConvInputGrad, ConvWeightGrad } from "../ops/index.js";
import { inputGradient, weightGradient } from "./conv.js";
import type { Pass, Target } from "./target.js";

/** A pass that replaces nodes one by one; undefined leaves a node as it is. */
export function nodePass(name: string, formulate: (node: Node, inputs: readonly Value[]) => Value | undefined): Pass {
  return {
    name,
    apply(outputs) {
      const become = rewrite(outputs.values(), (node, inputs) => {
        const value = formulate(node, inputs);
        return value && [value];
      });
      return new Map([...outputs].map(([end, value]) => [end, become.get(value)!]));
    },
  };
}

/** Ops at the level of meaning as ONNX's own, on every provider: the reference that other formulations are compared with. */
export const portablePasses: readonly Pass[] = [
  nodePass("conv-input-grad", (node, [dy, w]) =>
    isOp(node, ConvInputGrad) ? inputGradient(dy!, w!, node.attrs) : undefined,
  ),
  nodePass("conv-weight-grad", (node, [x, dy]) =>
    isOp(node, ConvWeightGrad) ? weightGradient(x!, dy!, node.attrs.shape, node.attrs) : undefined,
  ),
  { name: "empty-constants", apply: withEmptyConstants },
];

/** Training in standard ONNX alone. */
export const portable: Target = { provider: "any", mode: "training", passes: portablePasses };
