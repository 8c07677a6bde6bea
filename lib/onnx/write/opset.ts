import { int64, type OnnxCall } from "../../graph/index.js";

/** The opsets that a file can be written for. */
export const OPSETS = { least: 13, most: 21, default: 17 } as const;

/** The IR version that came with each opset. */
const IR_VERSIONS: Readonly<Record<number, number>> = {
  13: 7,
  14: 7,
  15: 8,
  16: 8,
  17: 8,
  18: 8,
  19: 9,
  20: 9,
  21: 10,
};

/** The IR version to go with an opset, so that runtimes of its time read the file. */
export const irVersion = (opset: number): number => IR_VERSIONS[opset]!;

/** Reductions whose axes were an attribute before opset 18. */
const REDUCTIONS: readonly string[] = ["ReduceMax", "ReduceMin", "ReduceMean", "ReduceL2", "ReduceSumSquare"];

/** A call as its opset has it; netrun's ops are written for opset 17. */
export function forOpset(call: OnnxCall, opset: number): OnnxCall {
  if (opset < 16 && call.opType === "RoiAlign") {
    // The only mode before it could be chosen.
    const { coordinate_transformation_mode: _mode, ...older } = call.attributes;
    return { ...call, attributes: older };
  }
  const { axes, ...rest } = call.attributes;
  if (opset >= 18 && axes && "ints" in axes && REDUCTIONS.includes(call.opType))
    return { ...call, inputs: [...call.inputs, int64(axes.ints)], attributes: rest };
  return call;
}
