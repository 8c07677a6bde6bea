import type { From } from "../caffe/load.js";
import type { SolverParameter } from "../caffe/messages.js";
import type { TrainEvent } from "./events.js";
import { pretrainingOf } from "./solver-pretraining.js";
import { Solver, type SolverOptions } from "./solver.js";
import { type TrainOptions, trainingLoop } from "./training-loop.js";

export type { TrainOptions } from "./training-loop.js";

/** A solver to load, and how it trains: on replicas, one unless `workers` says otherwise. */
export interface TrainReplicasOptions extends SolverOptions, TrainOptions {
  /** A solver's prototxt (path or text), or the message. */
  readonly solver: From<SolverParameter>;
  /** Replicas, each in a thread or process of its own with its part of the data; default 1. */
  readonly workers?: number | undefined;
}

/**
 * Trains a solver, or loads one first, to its max_iter: an iterable of events, the same whatever it runs on. Ending the loop over
 * them ends the training. Tests, displays and snapshots come in Caffe's order: test, iteration, display, update, snapshot; the event of a
 * large snapshot, which is written while training goes on, comes when it is on disk.
 * Throws NetrunError before the first iteration where snapshots cannot be written or another training writes them, and when a number is not finite any more.
 */
export async function* train(
  what: Solver | TrainReplicasOptions,
  options: TrainOptions = {},
): AsyncGenerator<TrainEvent, void> {
  if (what instanceof Solver) {
    yield* observed(trainingLoop(what, options, pretrainingOf(what)), options);
    return;
  }
  await using solver = await Solver.load(what.solver, { ...what, workers: what.workers ?? 1 });
  yield* observed(trainingLoop(solver, what, pretrainingOf(solver)), what);
}

async function* observed(events: AsyncGenerator<TrainEvent, void>, { onEvent }: TrainOptions) {
  for await (const event of events) {
    onEvent?.(event);
    yield event;
  }
}
