import { countOrNone, countRange } from "./number.js";
import type { Options } from "./option.js";

/** A training's data and rates, beside the solver's settings. */
export const TRAINING = {
  testData: { type: "string", describe: "Data that the tests read" },
  testBatchSize: { type: "number", range: countRange("rows"), describe: "Rows of a batch of a test" },
  warmUp: {
    type: "number",
    range: countOrNone("iterations"),
    describe: "Iterations over which the learning rate rises to the policy's",
  },
  statistics: {
    type: "number",
    range: countOrNone("iterations"),
    describe: "Iterations between statistics of parameters and activations, as events (0: none)",
  },
  calibrate: {
    type: "boolean",
    describe:
      "Choose the threads of a small net by timing some passes first; --no-calibrate leaves them to onnxruntime",
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
  earlyStop: { type: "string", describe: "Stop when this score of tests gets no better: NAME[:min|:max]" },
  patience: { type: "number", range: countRange("tests"), describe: "Tests that --early-stop waits (5)" },
  keepBest: { type: "string", describe: "Keep the weights with the best score: NAME[:min|:max]" },
} as const satisfies Options;
