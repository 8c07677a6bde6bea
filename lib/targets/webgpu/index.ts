import { constant, isOp, type Op, rebuilt, rewrite, type Value } from "../../graph/index.js";
import {
  cast,
  div,
  exp,
  greater,
  less,
  LogSoftmax,
  log,
  MaxPool,
  MaxPoolGrad,
  Mod,
  mul,
  reduceMax,
  reduceSum,
  Sign,
  sub,
  TopK,
} from "../../ops/index.js";
import { expansion, portable } from "../portable.js";
import type { Pass, Target } from "../target.js";
import { int32Numbers } from "./int32.js";
import { isPlanar, maxPoolGradientByMask, maxPoolIndices } from "./max-pool.js";
import { MOST, topKByMaxima } from "./top-k.js";

/** Max pooling's gradient: the provider refuses, when it runs, the indices that the portable one goes by. */
const maxPoolGrad: Pass = {
  name: "max-pool-grad by comparisons",
  ops: [MaxPoolGrad as unknown as Op],
  apply: (outputs) =>
    rewrite(outputs, (node, inputs) => {
      if (!isOp(node, MaxPoolGrad) || !isPlanar(node.attrs)) return undefined;
      const [x, dy, indices] = inputs as [Value, Value, Value];
      return [maxPoolGradientByMask(x, indices.node.outputs[0]!, dy, node.attrs)];
    }),
};

/** Indices of maxima where something else takes them: the mask of a Pooling layer. */
const maxPoolMask: Pass = {
  name: "max-pool-indices by comparisons",
  ops: [MaxPool as unknown as Op],
  apply: (outputs) =>
    rewrite(outputs, (node, inputs) => {
      if (!isOp(node, MaxPool) || !isPlanar(node.attrs)) return undefined;
      const [y] = rebuilt(node, inputs) as [Value];
      return [y, maxPoolIndices(inputs[0]!, y, node.attrs)];
    }),
};

/** Replaces what the provider has no kernel for by what it has. */
export const onWebGpu: readonly Pass[] = [
  maxPoolMask,
  expansion("log-softmax", LogSoftmax, ({ axis }, x) => {
    const shifted = sub(x!, reduceMax(x!, [axis], true));
    return sub(shifted, log(reduceSum(exp(shifted), [axis], true)));
  }),
  expansion("sign", Sign, (_, x) =>
    sub(cast(greater(x!, constant(0)), "float32"), cast(less(x!, constant(0)), "float32")),
  ),
  {
    name: "top-k by maxima",
    ops: [TopK as unknown as Op],
    apply: (outputs) =>
      rewrite(outputs, (node, [x]) => {
        if (!isOp(node, TopK) || node.attrs.k > MOST) return undefined;
        const { values, indices } = topKByMaxima(x!, node.attrs.axis, node.attrs.k);
        return [values, indices];
      }),
  },
  // Of indices, which are not negative.
  expansion("mod", Mod, (_, a, b) => sub(a!, mul(div(a!, b!), b!))),
  int32Numbers,
];

/** Training and inference on onnxruntime's WebGPU provider. */
export const webgpu: Target = {
  provider: "webgpu",
  mode: "training",
  passes: [maxPoolGrad, ...portable.passes, ...onWebGpu],
};
