import { NetrunError } from "../error.js";
import type { ParallelOptions } from "../train/parallel.js";

/** Flags of training on several replicas. */
export const PARALLEL_FLAGS = {
  workers: { type: "number", describe: "Replicas that train on parts of the data and are averaged" },
  "sync-interval": { type: "string", describe: "Iterations between averages, or auto (10)" },
  averaging: { choices: ["mean", "elastic"], describe: "How replicas are brought together (mean)" },
  alpha: { type: "number", describe: "How far elastic averaging draws (0.9 / workers)" },
  "average-history": { type: "boolean", describe: "Average the solver's history too" },
  "batch-scaling": { choices: ["weak", "strong"], describe: "Whole batches for each worker, or shares of one (weak)" },
  isolation: { choices: ["thread", "process"], describe: "Where workers live (thread)" },
  "on-worker-loss": { choices: ["redo", "drop"], describe: "A lost worker's part of a round (redo)" },
  "worker-timeout": { type: "number", describe: "Seconds an iteration may take before its worker counts as hung" },
  baseline: { type: "boolean", describe: "Measure one worker alone first, for the speed-up" },
} as const;

/** What `PARALLEL_FLAGS` parse to. */
export interface ParallelArgs {
  readonly workers?: number;
  readonly syncInterval?: string;
  readonly averaging?: "mean" | "elastic";
  readonly alpha?: number;
  readonly averageHistory?: boolean;
  readonly batchScaling?: "weak" | "strong";
  readonly isolation?: "thread" | "process";
  readonly onWorkerLoss?: "redo" | "drop";
  readonly workerTimeout?: number;
  readonly baseline?: boolean;
}

/** How to train on several replicas, from the flags; nothing without --workers. Throws NetrunError for flags that need it. */
export function parallelOf(args: ParallelArgs): ParallelOptions {
  const { workers, syncInterval, averaging, alpha, averageHistory, batchScaling, isolation, onWorkerLoss } = args;
  const { workerTimeout, baseline } = args;
  const rest = { syncInterval, averaging, alpha, averageHistory, batchScaling, isolation, onWorkerLoss };
  if (workers === undefined) {
    const flags = { ...rest, workerTimeout, baseline };
    const [flag] = Object.entries(flags).find(([, value]) => value !== undefined) ?? [];
    if (flag === undefined) return {};
    const name = flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new NetrunError(`--${name} without --workers`, { notes: ["--workers N trains on N replicas"] });
  }
  return {
    ...rest,
    workers,
    syncInterval: syncInterval === undefined || syncInterval === "auto" ? syncInterval : Number(syncInterval),
    workerTimeoutMs: workerTimeout === undefined ? undefined : workerTimeout * 1000,
  };
}
