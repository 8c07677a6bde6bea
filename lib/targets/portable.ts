import { constant, isOp, type Node, type Op, rewrite, type Value, withEmptyConstants } from "../graph/index.js";
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
  return {
    name,
    apply: (outputs) =>
      rewrite(outputs, (node, inputs) => {
        const value = formulate(node, inputs);
        return value && [value];
      }),
  };
}

/** A pass that replaces the nodes of one op, each by a value or, for several outputs, by values. */
export const expansion = <A>(
  name: string,
  op: Op<A>,
  formulate: (attrs: A, ...inputs: Value[]) => Value | readonly Value[],
): Pass => ({
  name,
  ops: [op as unknown as Op],
  apply: (outputs) =>
    rewrite(outputs, (node, inputs) => (isOp(node, op) ? [formulate(node.attrs, ...inputs)].flat() : undefined)),
});

/** Batch statistics, which ONNX has no node for outside training. */
export const batchNorm = expansion("batch-norm", BatchNormalize, ({ eps }, x) => normalize(x!, eps));

/** Ops at the level of meaning as ONNX's own, on every provider: the reference that other formulations are compared with. */
export const expansions: readonly Pass[] = [
  expansion("conv-input-grad", ConvInputGrad, (attrs, dy, w) => inputGradient(dy!, w!, attrs)),
  expansion("conv-weight-grad", ConvWeightGrad, (attrs, x, dy) => weightGradient(x!, dy!, attrs.shape, attrs)),
  expansion("relu-grad", ReluGrad, (_, dy, y) => mul(dy!, cast(greater(y!, constant(0)), "float32"))),
  expansion("max-pool-grad", MaxPoolGrad, (_, x, dy, indices) => maxPoolGradient(x!, dy!, indices!)),
  expansion("average-pool-grad", AveragePoolGrad, (attrs, dy) => averagePoolGradient(dy!, attrs)),
  expansion("lrn", LRN, (attrs, x) => pooledLrn(x!, attrs)),
  expansion("lrn-grad", LRNGrad, (attrs, x, dy) => pooledLrnGradient(x!, dy!, attrs)),
  expansion("channel-affine", ChannelAffine, (_, x, s, b) => affineByChannel(x!, s!, b)),
  expansion("channel-dot", ChannelDot, (_, a, b) => dot(a!, b!)),
  batchNorm,
  expansion("batch-norm-grad", BatchNormalizeGrad, ({ eps }, dy, y, variance) =>
    normalizeGradient(dy!, y!, variance!, eps),
  ),
  expansion("update", Update, (attrs, ...inputs) => elementwiseUpdate(attrs, inputs)),
];

/** Values without elements as constants: onnxruntime's kernels refuse many of them. */
export const emptyConstants: Pass = { name: "empty-constants", apply: withEmptyConstants };

/** Training in standard ONNX alone. */
export const portable: Target = { provider: "any", mode: "training", passes: [...expansions, emptyConstants] };
