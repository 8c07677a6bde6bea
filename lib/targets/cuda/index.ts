import { MaxRoiPool, searchedMaxRoiPool } from "../../ops/roi-pool.js";
import { emptyConstants, expansion, expansions } from "../portable.js";
import type { Target } from "../target.js";
import { maxPoolByRows } from "./max-pool.js";
import { constantUpdate } from "./update.js";

/** Training on the CUDA provider: standard ONNX whose every node has a kernel there. */
export const cudaTarget: Target = {
  provider: "cuda",
  mode: "training",
  passes: [
    maxPoolByRows,
    constantUpdate,
    // onnxruntime has no kernel of it for CUDA: the feature map would go down, and what was pooled up.
    expansion("roi-pool", MaxRoiPool, (attrs, x, rois) => searchedMaxRoiPool(attrs, x!, rois!)),
    ...expansions,
    emptyConstants,
  ],
};
