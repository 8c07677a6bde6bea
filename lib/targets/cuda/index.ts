import { emptyConstants, expansions } from "../portable.js";
import type { Target } from "../target.js";
import { maxPoolByRows } from "./max-pool.js";
import { constantUpdate } from "./update.js";

/** Training on the CUDA provider: standard ONNX whose every node has a kernel there. */
export const cudaTarget: Target = {
  provider: "cuda",
  mode: "training",
  passes: [maxPoolByRows, constantUpdate, ...expansions, emptyConstants],
};
