import { apply, type Op, type Value } from "../../graph/index.js";
import { mul } from "../../ops/index.js";

/** Close to the largest float: times this, every normal number is above 1. */
const STEEP = 3.4e38;

/** max(0, min(1, STEEP x)), a standard op. */
const Step: Op<null> = {
  name: "HardSigmoid",
  arity: 1,
  infer: (_, x) => [x!],
  onnx: ({ inputs }) => ({ opType: "HardSigmoid", inputs, attributes: { alpha: { f: STEEP }, beta: { f: 0 } } }),
};

/**
 * dy where y, which is not negative, is above 0. One pass of floats makes the mask, where a comparison makes booleans that a Cast turns
 * into floats: 3.2 million entries at two threads 1.5 ms against 2.3. Of a y below 3e-39, no normal float, a part of dy passes.
 */
export const reluGradient = (dy: Value, y: Value): Value => mul(dy, apply(Step, null, y));
