import { defaultAlpha } from "../engine/averaging/average.js";
import type { Partition } from "../engine/engine.js";
import type { EngineOptions } from "../engine/open.js";
import { NetrunError } from "../error.js";
import { isInRange, shown } from "../options/number.js";
import { PARALLEL } from "../options/parallel.js";
import type { StartEvent } from "./events.js";

/** Number of training replicas, and the way they are averaged. */
export interface ParallelOptions extends EngineOptions {
  /** Iterations of each replica in a round, after which they are averaged; "auto" finds it (see `IntervalFinder`). Default 10. */
  readonly syncInterval?: number | "auto" | undefined;
}

/** SparkNet's choice for CIFAR-10. */
const SYNC_INTERVAL = 10;

/** Tests whether training is to run on replicas of its own, rather than in this thread. */
export const isParallel = ({ workers }: ParallelOptions): boolean => workers !== undefined;

/** The interval that options ask for. Throws NetrunError for one that is none. */
export function syncIntervalOf(options: ParallelOptions): number | "auto" {
  if (!isParallel(options)) return 1;
  const { syncInterval = SYNC_INTERVAL } = options;
  if (syncInterval === "auto" || isInRange(syncInterval, PARALLEL.syncInterval.range)) return syncInterval;
  throw new NetrunError(`a sync interval of ${shown(syncInterval)} iterations`, {
    notes: ["give a whole number, 1 or more, or auto"],
  });
}

/** Note on partitions that have fewer rows than a round takes: they begin again within it. */
export function partitionWarnings(
  partitions: readonly Partition[],
  interval: number,
  iterSize: number,
): readonly NetrunError[] {
  const count = 1 + Math.max(...partitions.map(({ replica }) => replica));
  const short = partitions.filter(({ rows, batchSize }) => rows < interval * iterSize * batchSize);
  return short.map(({ replica, rows, batchSize }) => {
    const wanted = interval * iterSize * batchSize;
    return new NetrunError(
      `partition ${replica} of ${count} has ${rows} rows, a round of ${interval} iterations takes ${wanted}: it begins again within the round`,
      { notes: ["use fewer workers, a smaller --sync-interval or a smaller batch_size"] },
    );
  });
}

/** Rows that one replica takes of batches of that many. */
export const rowsOfReplica = ({ workers = 1, batchScaling = "weak" }: ParallelOptions, rows: number): number =>
  batchScaling === "strong" ? rows / workers : rows;

/** Settings of training replicas, with what options leave open filled in. */
export function replicasOf(options: ParallelOptions): StartEvent["replicas"] {
  const {
    workers,
    engine,
    isolation = engine?.kind ?? "thread",
    averaging = "mean",
    averageHistory = false,
    alpha,
  } = options;
  const { batchScaling = "weak", onWorkerLoss = "redo", syncInterval = SYNC_INTERVAL } = options;
  if (workers === undefined) return { count: 1, isolation: "local" };
  const elastic = averaging === "elastic" ? { alpha: alpha ?? defaultAlpha(workers) } : {};
  return { count: workers, isolation, syncInterval, averaging, ...elastic, averageHistory, batchScaling, onWorkerLoss };
}
