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
    describe: "Isolation of replicas (default thread)",
  },
  workerTimeout: {
    type: "number",
    range: { above: 0, unit: "seconds" },
    api: "workerTimeoutMs",
    perUnit: 1000,
    group: GROUP,
    describe: "Seconds per iteration before a replica counts as hung",
  },
} as const satisfies Options;

/** Training on several replicas. */
export const PARALLEL = {
  ...HOSTS,
  workers: {
    type: "number",
    range: countRange("replicas"),
    group: GROUP,
    describe: "Replicas, each with a part of the data, whose weights are averaged",
  },
  syncInterval: {
    type: "number",
    range: countRange("iterations"),
    words: ["auto"],
    group: GROUP,
    describe: "Iterations between averages, or auto (default 10)",
  },
  averaging: {
    type: "choice",
    choices: ["mean", "elastic"],
    group: GROUP,
    describe: "Method of averaging (default mean)",
  },
  alpha: {
    type: "number",
    range: { above: 0, max: 1 },
    group: GROUP,
    describe: "Strength of elastic averaging (default 0.9 / workers)",
  },
  averageHistory: { type: "boolean", group: GROUP, describe: "Average the solver's history too" },
  batchScaling: {
    type: "choice",
    choices: ["weak", "strong"],
    group: GROUP,
    describe: "Whole batches for each worker (weak, the default), or parts of one batch (strong)",
  },
  onWorkerLoss: {
    type: "choice",
    choices: ["redo", "drop"],
    group: GROUP,
    describe: "Action on a lost worker's part of a round (default redo)",
  },
  baseline: {
    type: "boolean",
    api: false,
    group: GROUP,
    describe: "Measure one worker alone first, to report the speed-up",
  },
} as const satisfies Options;
