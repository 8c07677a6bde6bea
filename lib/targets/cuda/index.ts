import { Acos } from "../../ops/elementwise.js";
import { MaxRoiPool, searchedMaxRoiPool } from "../../ops/roi-pool.js";
import { emptyConstants, expansion, expansions } from "../portable.js";
import type { Target } from "../target.js";
import { acosByPolynomial } from "./acos.js";
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
    expansion("acos", Acos, (_, x) => acosByPolynomial(x!)),
    ...expansions,
    emptyConstants,
  ],
};
