import { countOrNone, countRange } from "./number.js";
import type { Options } from "./option.js";

/** A training's data and rates, beside the solver's settings. */
export const TRAINING = {
  testData: { type: "string", describe: "Data set of the tests" },
  testBatchSize: { type: "number", range: countRange("rows"), describe: "Rows per test batch" },
  warmUp: {
    type: "number",
    range: countOrNone("iterations"),
    describe: "Iterations in which the learning rate rises to the policy's",
  },
  statistics: {
    type: "number",
    range: countOrNone("iterations"),
    describe: "Iterations between events with statistics of parameters and activations; 0 for none",
  },
  calibrate: {
    type: "boolean",
    describe:
      "Choose the number of threads of a small net by timing some passes (--no-calibrate: onnxruntime's choice)",
  },
} as const satisfies Options;

/** When a training stops, and what it keeps. */
export const COURSE = {
  maxTime: {
    type: "number",
    range: { min: 0, unit: "minutes" },
    api: "maxTimeMs",
    perUnit: 60_000,
    describe: "Minutes after which training stops",
  },
  earlyStop: { type: "string", describe: "Test score that stops training when it no longer improves: NAME[:min|:max]" },
  patience: {
    type: "number",
    range: countRange("tests"),
    describe: "Tests that --early-stop waits for an improvement (default 5)",
  },
  keepBest: { type: "string", describe: "Test score whose best weights are kept: NAME[:min|:max]" },
} as const satisfies Options;
