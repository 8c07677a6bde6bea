import { isOp, type Node, rewrite, topological, type Value } from "../../graph/index.js";
import { MaxPool, MaxPoolGrad, maxPool, type PoolAttrs, transpose } from "../../ops/index.js";
import { maxPoolGradient } from "../pool.js";
import type { Pass } from "../target.js";

/**
 * Max pooling whose choice among equal maxima is Caffe's, the first in row order. CUDA's kernel for indices scans a window from its last axis
 * outwards: the inner loop steps rows, the outer columns, strictly greater wins. On the transposed plane that is row order. The gradient
 * is taken there too. It costs four transposes; poolings without a gradient keep cuDNN's kernel, which has no indices to choose.
 */
export const maxPoolByRows: Pass = {
  name: "max-pool by rows",
  ops: [MaxPoolGrad],
  apply(outputs) {
    const indexed = new Set<Node>();
    for (const node of topological(outputs)) if (isOp(node, MaxPoolGrad)) indexed.add(node.inputs[2]!.node);
    return rewrite(outputs, (node, [x, dy, indices]) => {
      if (isOp(node, MaxPool) && indexed.has(node)) {
        const pooled = maxPool(reversed(x!), reversedAttrs(node.attrs));
        return [reversed(pooled.y), pooled.indices];
      }
      if (isOp(node, MaxPoolGrad)) return [reversed(maxPoolGradient(reversed(x!), reversed(dy!), indices!))];
      return undefined;
    });
  },
};

/** The spatial axes in the opposite order. */
const reversed = (x: Value): Value => {
  const axes = x.type.shape.map((_, axis) => axis);
  return transpose(x, [...axes.slice(0, 2), ...axes.slice(2).reverse()]);
};

const reversedAttrs = ({ kernel, strides, pads }: PoolAttrs): PoolAttrs => ({
  kernel: kernel.toReversed(),
  strides: strides.toReversed(),
  pads: pads.toReversed(),
});
