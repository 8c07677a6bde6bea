import { constant, isOp, type Node, type Rule, rewrite, type Value, withEmptyConstants } from "../graph/index.js";
import {
  AveragePoolGrad,
  BatchNormalize,
  BatchNormalizeGrad,
  ChannelAffine,
  ChannelDot,
  ConvInputGrad,
  ConvWeightGrad,
  cast,
  greater,
  LRN,
  LRNGrad,
  MaxPoolGrad,
  mul,
  ReluGrad,
} from "../ops/index.js";
import { elementwiseUpdate, Update } from "../optim/update.js";
import { affineByChannel, dot, normalize, normalizeGradient } from "./channels.js";
import { inputGradient, weightGradient } from "./conv.js";
import { pooledLrn, pooledLrnGradient } from "./lrn.js";
import { averagePoolGradient, maxPoolGradient } from "./pool.js";
import type { Pass, Target } from "./target.js";

/** A pass that replaces nodes one by one; undefined leaves a node as it is. */
export function nodePass(name: string, formulate: (node: Node, inputs: readonly Value[]) => Value | undefined): Pass {
  return outputsPass(name, (node, inputs) => {
    const value = formulate(node, inputs);
    return value && [value];
  });
}

/** The same for nodes of several outputs. */
const outputsPass = (name: string, formulate: Rule): Pass => ({
  name,
  apply: (outputs) => rewrite(outputs, formulate),
});

/** Batch statistics, which ONNX has no node for outside training. */
export const batchNorm = outputsPass("batch-norm", (node, [x]) =>
  isOp(node, BatchNormalize) ? normalize(x!, node.attrs.eps) : undefined,
);

/** Ops at the level of meaning as ONNX's own, on every provider: the reference that other formulations are compared with. */
export const expansions: readonly Pass[] = [
  nodePass("conv-input-grad", (node, [dy, w]) =>
    isOp(node, ConvInputGrad) ? inputGradient(dy!, w!, node.attrs) : undefined,
  ),
  nodePass("conv-weight-grad", (node, [x, dy]) =>
    isOp(node, ConvWeightGrad) ? weightGradient(x!, dy!, node.attrs.shape, node.attrs) : undefined,
  ),
  nodePass("relu-grad", (node, [dy, y]) =>
    isOp(node, ReluGrad) ? mul(dy!, cast(greater(y!, constant(0)), "float32")) : undefined,
  ),
  nodePass("max-pool-grad", (node, [x, dy, indices]) =>
    isOp(node, MaxPoolGrad) ? maxPoolGradient(x!, dy!, indices!) : undefined,
  ),
  nodePass("average-pool-grad", (node, [dy]) =>
    isOp(node, AveragePoolGrad) ? averagePoolGradient(dy!, node.attrs) : undefined,
  ),
  nodePass("lrn", (node, [x]) => (isOp(node, LRN) ? pooledLrn(x!, node.attrs) : undefined)),
  nodePass("lrn-grad", (node, [x, dy]) => (isOp(node, LRNGrad) ? pooledLrnGradient(x!, dy!, node.attrs) : undefined)),
  nodePass("channel-affine", (node, [x, s, b]) => (isOp(node, ChannelAffine) ? affineByChannel(x!, s!, b) : undefined)),
  nodePass("channel-dot", (node, [a, b]) => (isOp(node, ChannelDot) ? dot(a!, b!) : undefined)),
  batchNorm,
  nodePass("batch-norm-grad", (node, [dy, y, variance]) =>
    isOp(node, BatchNormalizeGrad) ? normalizeGradient(dy!, y!, variance!, node.attrs.eps) : undefined,
  ),
  outputsPass("update", (node, inputs) => (isOp(node, Update) ? elementwiseUpdate(node.attrs, inputs) : undefined)),
];

/** Values without elements as constants: onnxruntime's kernels refuse many of them. */
export const emptyConstants: Pass = { name: "empty-constants", apply: withEmptyConstants };

/** Training in standard ONNX alone. */
export const portable: Target = { provider: "any", mode: "training", passes: [...expansions, emptyConstants] };
