import type { From } from "../caffe/load.js";
import type { SolverParameter } from "../caffe/messages.js";
import type { RoundEvent } from "./rounds.js";
import { Solver, type SolverOptions } from "./solver.js";
import { type TrainEvent, type TrainOptions, train as trainSolver } from "./train.js";

/** What is trained, on how many replicas, and how. */
export interface TrainReplicasOptions extends SolverOptions, TrainOptions {
  /** A solver's prototxt (path or text), or the message. */
  readonly solver: From<SolverParameter>;
  /** Replicas; default 1. */
  readonly workers?: number | undefined;
  /** Called with every event of the training: iterations, tests, snapshots and the rounds too. */
  readonly onEvent?: ((event: TrainEvent) => void) | undefined;
}

/**
 * Trains a solver that is loaded already, as an iterable of all events; or loads one and trains it on replicas, each in a thread
 * or process of its own with its part of the data, as an iterable of round events. Throws NetrunError.
 */
export function train(solver: Solver, options?: TrainOptions): AsyncGenerator<TrainEvent, void>;
export function train(options: TrainReplicasOptions): AsyncGenerator<RoundEvent, void>;
export function train(what: Solver | TrainReplicasOptions, options?: TrainOptions): AsyncGenerator<TrainEvent, void> {
  return what instanceof Solver ? trainSolver(what, options) : trainReplicas(what);
}

async function* trainReplicas({ solver: from, onEvent, ...options }: TrainReplicasOptions): AsyncGenerator<RoundEvent> {
  await using solver = await Solver.load(from, { ...options, workers: options.workers ?? 1 });
  for await (const event of trainSolver(solver, options)) {
    onEvent?.(event);
    if (event.kind === "round") yield event;
  }
}
