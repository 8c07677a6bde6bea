import { countRange, INT32, SEED } from "./number.js";
import type { Options } from "./option.js";

/** The part of a net that is in use: Caffe's NetState. */
export const STATE = {
  level: { type: "number", range: INT32, describe: "Level of the net state" },
  stage: { type: "names", api: "stages", describe: "Stages of the net state: NAME[,NAME...]" },
} as const satisfies Options;

/** Device of a net. */
export const SESSION = {
  provider: {
    type: "choice",
    choices: ["auto", "cpu", "cuda", "webgpu"],
    describe: "Execution provider; auto selects the best one available (default cpu)",
  },
  gpu: { type: "devices", api: "devices", describe: "GPUs by number: N[,N...] or all; 0 is the first" },
  threads: { type: "number", range: { ...countRange("threads"), max: 1024 }, describe: "Threads inside one op" },
  portable: {
    type: "boolean",
    describe: "Use standard ONNX only, without the faster kernels for this processor",
  },
  tf32: { type: "boolean", describe: "Allow TF32 in CUDA's matrix products and convolutions: faster, less exact" },
} as const satisfies Options;

/** Options of what computes gradients. */
export const GRADIENTS = {
  caffeQuirks: { type: "boolean", describe: "Use Caffe's gradient of in-place Clip, which passes everywhere" },
} as const satisfies Options;

/** Options of a net in the API. */
export const NET = {
  phase: { type: "choice", choices: ["TRAIN", "TEST"], describe: "Phase of the net" },
  ...STATE,
  seed: { type: "number", range: SEED, describe: "Seed of fillers, random layers and data" },
  shape: { type: "shapes", api: "shapes", describe: "Shapes of data blobs" },
  ...SESSION,
  ...GRADIENTS,
} as const satisfies Options;

/** Options of every command that runs a net. */
export const RUN = {
  ...STATE,
  ...SESSION,
} as const satisfies Options;
