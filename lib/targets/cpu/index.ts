import { ReluGrad } from "../../ops/index.js";
import { emptyConstants, expansion, expansions } from "../portable.js";
import type { Target } from "../target.js";
import { formulations } from "./formulations.js";
import { blockedGraph } from "./pass.js";
import { reluGradient } from "./relu-gradient.js";

/** Training and inference on the CPU provider, by its blocked kernels; `block` is what `ReorderInput` makes of one channel. */
export const cpuTarget = (block: number): Target => ({
  provider: "cpu",
  mode: "training",
  // bench/startup.ts measures what that saves.
  runsAsWritten: true,
  passes: [
    // Kernels of blocked layouts take no value without elements.
    emptyConstants,
    { name: "blocked", apply: (outputs) => blockedGraph(outputs, formulations, block) },
    expansion("relu-grad in one mask", ReluGrad, (_, dy, y) => reluGradient(dy!, y!)),
    ...expansions,
  ],
});

export { reorderInput } from "./nchwc.js";
