import { countRange } from "./number.js";
import type { Options } from "./option.js";

const GROUP = "Replicas:";

/** Several replicas of a net, in threads or processes of their own. */
export const HOSTS = {
  workers: { type: "number", range: countRange("replicas"), group: GROUP, describe: "Replicas that share the data" },
  isolation: {
    type: "choice",
    choices: ["thread", "process"],
    group: GROUP,
    describe: "Where replicas live (thread)",
  },
  workerTimeout: {
    type: "number",
    range: { above: 0, unit: "seconds" },
    api: "workerTimeoutMs",
    perUnit: 1000,
    group: GROUP,
    describe: "Seconds an iteration may take before its replica counts as hung",
  },
} as const satisfies Options;

/** Training on several replicas. */
export const PARALLEL = {
  ...HOSTS,
  workers: {
    type: "number",
    range: countRange("replicas"),
    group: GROUP,
    describe: "Replicas that train on parts of the data and are averaged",
  },
  syncInterval: {
    type: "number",
    range: countRange("iterations"),
    words: ["auto"],
    group: GROUP,
    describe: "Iterations between averages, or auto (10)",
  },
  averaging: {
    type: "choice",
    choices: ["mean", "elastic"],
    group: GROUP,
    describe: "How replicas are averaged (mean)",
  },
  alpha: {
    type: "number",
    range: { above: 0, max: 1 },
    group: GROUP,
    describe: "Strength of elastic averaging (0.9 / workers)",
  },
  averageHistory: { type: "boolean", group: GROUP, describe: "Average the solver's history too" },
  batchScaling: {
    type: "choice",
    choices: ["weak", "strong"],
    group: GROUP,
    describe: "Whole batches for each worker, or shares of one (weak)",
  },
  onWorkerLoss: {
    type: "choice",
    choices: ["redo", "drop"],
    group: GROUP,
    describe: "A lost worker's part of a round (redo)",
  },
  baseline: {
    type: "boolean",
    api: false,
    group: GROUP,
    describe: "Measure one worker alone first, for the speed-up",
  },
} as const satisfies Options;
