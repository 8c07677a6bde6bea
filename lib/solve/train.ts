import type { Times } from "../engine/engine.js";
import type { SnapshotPaths } from "./snapshot.js";
import type { Solver } from "./solver.js";

/** What a training run tells while it goes on. */
export type TrainEvent =
  | IterationEvent
  | TestEvent
  | { readonly kind: "snapshot"; readonly iteration: number; readonly paths: SnapshotPaths }
  /** A snapshot could not be written; training goes on, and the next one is tried. */
  | { readonly kind: "snapshot-failed"; readonly iteration: number; readonly error: Error }
  | { readonly kind: "done"; readonly iteration: number; readonly stopped: boolean };

/** One iteration is done. */
export interface IterationEvent {
  readonly kind: "iteration";
  /** Updates done before it: Caffe's number of the iteration. */
  readonly iteration: number;
  readonly loss: number;
  /** Mean of the last `average_loss` losses. */
  readonly smoothedLoss: number;
  readonly rate: number;
  readonly rows: number;
  readonly times: Times;
  /** Whether the solver's `display` names this iteration; then `outputs` has the train net's output blobs. */
  readonly display: boolean;
  readonly outputs: Readonly<Record<string, Float32Array>>;
}

/** A test pass of one test net is done. */
export interface TestEvent {
  readonly kind: "test";
  readonly iteration: number;
  /** Index of the test net. */
  readonly net: number;
  /** Means of its output blobs. */
  readonly outputs: Readonly<Record<string, Float32Array>>;
  readonly loss: number;
}

/** What a caller may ask of a running training between two iterations, as Caffe's signals do. */
export type Action = "none" | "snapshot" | "stop";

export interface TrainOptions {
  /** Asked after every iteration. */
  readonly action?: () => Action;
}

/**
 * Trains a solver to its max_iter, testing, displaying and writing snapshots when its settings say so, in the order that Caffe
 * does it: test, iteration, display, update, snapshot. Ending the loop over the events ends the training.
 */
export async function* train(solver: Solver, options: TrainOptions = {}): AsyncGenerator<TrainEvent, void> {
  const { parameter } = solver;
  const { test_interval, test_initialization, display, snapshot, max_iter } = parameter;
  let stopped = false;
  while (solver.iteration < max_iter && !stopped) {
    const { iteration, rate } = solver;
    if (test_interval > 0 && iteration % test_interval === 0 && (iteration > 0 || test_initialization)) {
      yield* testAll(solver);
    }
    const { losses, smoothedLosses, outputs, times, rows } = await solver.run(1);
    const loss = losses[0]!;
    const shown = display > 0 && iteration % display === 0;
    yield {
      kind: "iteration",
      iteration,
      loss,
      smoothedLoss: smoothedLosses[0]!,
      rate,
      rows,
      times,
      display: shown,
      outputs: outputs.get(iteration) ?? {},
    };
    const action = options.action?.() ?? "none";
    if (action === "snapshot" || (snapshot > 0 && solver.iteration % snapshot === 0)) yield await tryToSnapshot(solver);
    stopped = action === "stop";
  }
  const { iteration } = solver;
  if (parameter.snapshot_after_train && (snapshot === 0 || iteration % snapshot !== 0))
    yield await tryToSnapshot(solver);
  if (!stopped && test_interval > 0 && iteration % test_interval === 0) yield* testAll(solver);
  yield { kind: "done", iteration, stopped };
}

async function* testAll(solver: Solver): AsyncGenerator<TestEvent> {
  for (const net of solver.testIterations.keys()) {
    const { outputs, loss } = await solver.scores(net);
    yield { kind: "test", iteration: solver.iteration, net, outputs, loss };
  }
}

async function tryToSnapshot(solver: Solver): Promise<TrainEvent> {
  const { iteration } = solver;
  try {
    return { kind: "snapshot", iteration, paths: await solver.snapshot() };
  } catch (error) {
    return { kind: "snapshot-failed", iteration, error: error as Error };
  }
}
