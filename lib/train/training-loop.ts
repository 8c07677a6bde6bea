import { setImmediate } from "node:timers/promises";
import { checkOptions } from "../options/option.js";
import { COURSE } from "../options/training.js";
import { sweepScratch } from "../scratch.js";
import type { Stopped, TrainEvent } from "./events.js";
import { MemoryWatch } from "./memory-use.js";
import { type Action, Requests } from "./requests.js";
import { Rounds } from "./rounds.js";
import { Schedule } from "./schedule.js";
import { SnapshotLock } from "./snapshot-lock.js";
import { Snapshots } from "./snapshots.js";
import type { Solver } from "./solver.js";
import { testsOf, type WatchOptions } from "./tests.js";

/** Options of running a training. */
export interface TrainOptions extends WatchOptions {
  /** Asked after every round, and while tests run. */
  readonly action?: (() => Action) | undefined;
  /** Training stops after this time. */
  readonly maxTimeMs?: number | undefined;
  /** True if one replica is measured alone before the training of several. */
  readonly baseline?: boolean | undefined;
  /** True if the memory that it takes is measured, every 10 seconds. */
  readonly measureMemory?: boolean | undefined;
  /** Called with every event, before it is yielded. */
  readonly onEvent?: ((event: TrainEvent) => void) | undefined;
}

/** Meets what was asked for by controls since the last call, as events. Snapshots and the end are for the loop. */
function* controlled(solver: Solver, requests: Requests): Generator<TrainEvent> {
  for (const { action, factor, from } of requests.takeControls()) {
    if (action === "rate") solver.scaleRate(factor!);
    const { iteration, rate } = solver;
    yield { kind: "control", iteration, action, from, ...(action === "rate" && { factor, rate }) };
  }
}

/**
 * Trains a solver to its max_iter: the events of `train`. `before` is done first, after the start event; where the training stops meanwhile, it
 * is over without a snapshot.
 */
export async function* trainingLoop(
  solver: Solver,
  options: TrainOptions,
  before?: (action: () => Action) => AsyncIterable<TrainEvent>,
): AsyncGenerator<TrainEvent, void> {
  checkOptions(COURSE, options);
  const { syncInterval } = solver;
  const schedule = new Schedule(solver.parameter, solver.iteration, syncInterval === "auto" ? 1 : syncInterval);
  sweepScratch();
  const writes = schedule.writesSnapshots || options.keepBest !== undefined;
  if (writes) solver.checkSnapshots();
  using _lock = writes ? SnapshotLock.take(solver.snapshotPrefix) : undefined;
  const requests = new Requests(options.action);
  const tests = testsOf(solver, requests, options);
  // Ends before the lock: nothing is written without it.
  await using snapshots = new Snapshots(solver);
  const rounds = new Rounds(solver, schedule, snapshots, options.baseline ?? false);
  yield solver.startEvent();
  const memory = options.measureMemory ? new MemoryWatch(solver.startEvent().device?.provider) : undefined;
  const deadlineMs = performance.now() + (options.maxTimeMs ?? Number.POSITIVE_INFINITY);
  let stopped: Stopped | undefined;
  const isOver = (): boolean => {
    requests.poll();
    if (requests.stop) stopped = "asked";
    else if (performance.now() >= deadlineMs) stopped = "max-time";
    return stopped !== undefined;
  };
  if (before) yield* before(() => (isOver() ? "stop" : "none"));
  if (stopped) {
    yield { kind: "done", iteration: solver.iteration, stopped, skipped: 0 };
    return;
  }
  yield* rounds.measureBaseline();
  while (!schedule.isOver && !stopped) {
    if (schedule.isTestDue) {
      yield* tests.run();
      if (requests.stop) stopped = "asked";
      else if (tests.isOver()) stopped = "early-stop";
      if (stopped) break;
    }
    yield* rounds.next();
    if (memory) yield* memory.events(solver.iteration);
    schedule.reach(solver.iteration);
    // Signals and timers get their turn: runs of a model do not give them one.
    await setImmediate();
    requests.poll();
    yield* controlled(solver, requests);
    yield* snapshots.written();
    if (requests.takeSnapshot() || schedule.isSnapshotDue || snapshots.isRetryDue()) yield* snapshots.take();
    if (requests.stop) stopped = "asked";
    else if (performance.now() >= deadlineMs) stopped = "max-time";
  }
  const { iteration } = solver;
  if (memory) yield* memory.finish(iteration);
  yield* controlled(solver, requests);
  yield* snapshots.finish();
  if (schedule.needsLastSnapshot(snapshots.lastIteration)) yield* snapshots.takeLast();
  if (!stopped && schedule.isLossDue) {
    const smoothedLoss = await solver.lossAhead();
    yield { kind: "loss", iteration, ...(smoothedLoss !== undefined && { smoothedLoss }) };
  }
  if (!stopped && schedule.isLastTestDue) yield* tests.run();
  if (requests.stop) stopped ??= "asked";
  yield { kind: "done", iteration, ...(stopped && { stopped }), skipped: rounds.skipped, ...rounds.speed };
}
