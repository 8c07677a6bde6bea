import { memoryLimit } from "../budget.js";
import { NetrunError } from "../error.js";
import { count } from "../graph/index.js";
import { layoutOf } from "../net/layout.js";
import type { LoweredNet } from "../net/lower.js";
import { slotsOf } from "../optim/whole-batch.js";
import type { TrainingPlan } from "../run/plan.js";
import type { ParallelOptions } from "./parallel.js";

/** Memory that a training takes, in bytes. */
export interface MemoryEstimate {
  /** Weights, gradients (the solver's, and those that a run gives) and history, of all replicas, and the copies of their states. */
  readonly parameters: number;
  /** Blobs and their gradients of one batch, of all replicas: the most that can be alive at a time. */
  readonly blobs: number;
  /** Memory that no order of computation does without: parameters, and the largest blob with its gradient. */
  readonly least: number;
}

const FLOAT_BYTES = 4;

/** Estimates what training takes, before any of it is allocated. */
export function estimateMemory(train: LoweredNet, plan: TrainingPlan, parallel: ParallelOptions): MemoryEstimate {
  // A cluster's replicas have the memory of its machines.
  const replicas = parallel.engine ? 1 : (parallel.workers ?? 1);
  const layout = layoutOf(train);
  const slots = slotsOf(plan.solver.rule);
  const trained = 2 * layout.length + (1 + slots) * layout.trainable;
  const parameters =
    replicas * FLOAT_BYTES * (trained + savedFloats(parallel, slots * layout.trainable, layout.length));
  const sizes = [...train.blobs.values()].map(({ type }) => 2 * FLOAT_BYTES * count(type.shape));
  const blobs = replicas * sizes.reduce((a, b) => a + b, 0);
  return { parameters, blobs, least: parameters + replicas * sizes.reduce((a, b) => Math.max(a, b), 0) };
}

/**
 * Floats of a replica's state that this thread keeps, for a redo or to average histories: those of the last round, and the room
 * for those of the round under way. Elastic averaging adds the replica's own parameters, which also exist besides the common ones.
 */
function savedFloats(parallel: ParallelOptions, history: number, parameters: number): number {
  const { workers, engine, averaging, averageHistory = false, onWorkerLoss = "redo" } = parallel;
  if (workers === undefined || engine) return 0;
  const own = averaging === "elastic" ? parameters : 0;
  const keeps = onWorkerLoss === "redo" || averageHistory;
  return own + (keeps ? 2 * (history + own) : 0);
}

/** Throws NetrunError if not even the least that a training takes fits into memory. */
export function checkMemory(estimate: MemoryEstimate, limit = memoryLimit()): void {
  if (estimate.least <= limit) return;
  throw new NetrunError(
    `this training takes at least ${inUnits(estimate.least)}, and there are ${inUnits(limit)} of memory`,
    {
      notes: [
        `parameters with gradients and history ${inUnits(estimate.parameters)}, blobs up to ${inUnits(estimate.blobs)}`,
        "a smaller batch_size takes less memory for blobs (a larger iter_size compensates), a net with fewer parameters less for the rest",
      ],
    },
  );
}

/** Bytes in MiB or GiB. */
export function inUnits(bytes: number): string {
  return bytes < 2 ** 30 ? `${Math.ceil(bytes / 2 ** 20)} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
