import { setImmediate } from "node:timers/promises";
import type { From } from "../caffe/load.js";
import type { SolverParameter } from "../caffe/messages.js";
import { checkOptions } from "../options/option.js";
import { COURSE } from "../options/training.js";
import { sweepScratch } from "../scratch.js";
import type { Stopped, TrainEvent } from "./events.js";
import { type Action, Requests } from "./requests.js";
import { Rounds } from "./rounds.js";
import { Schedule } from "./schedule.js";
import { SnapshotLock } from "./snapshot-lock.js";
import { Snapshots } from "./snapshots.js";
import { Solver, type SolverOptions } from "./solver.js";
import { testsOf, type WatchOptions } from "./tests.js";

/** Options of running a training. */
export interface TrainOptions extends WatchOptions {
  /** Asked after every round, and while tests run. */
  readonly action?: (() => Action) | undefined;
  /** Training stops after this time. */
  readonly maxTimeMs?: number | undefined;
  /** True if one replica is measured alone before the training of several. */
  readonly baseline?: boolean | undefined;
  /** Called with every event, before it is yielded. */
  readonly onEvent?: ((event: TrainEvent) => void) | undefined;
}

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
    yield* observed(trainLoop(what, options), options);
    return;
  }
  await using solver = await Solver.load(what.solver, { ...what, workers: what.workers ?? 1 });
  yield* observed(trainLoop(solver, what), what);
}

async function* observed(events: AsyncGenerator<TrainEvent, void>, { onEvent }: TrainOptions) {
  for await (const event of events) {
    onEvent?.(event);
    yield event;
  }
}

/** Meets what was asked for by controls since the last call, as events. Snapshots and the end are for the loop. */
function* controlled(solver: Solver, requests: Requests): Generator<TrainEvent> {
  for (const { action, factor, from } of requests.takeControls()) {
    if (action === "rate") solver.scaleRate(factor!);
    const { iteration, rate } = solver;
    yield { kind: "control", iteration, action, from, ...(action === "rate" && { factor, rate }) };
  }
}

async function* trainLoop(solver: Solver, options: TrainOptions): AsyncGenerator<TrainEvent, void> {
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
  yield* rounds.measureBaseline();
  const deadlineMs = performance.now() + (options.maxTimeMs ?? Number.POSITIVE_INFINITY);
  let stopped: Stopped | undefined;
  while (!schedule.isOver && !stopped) {
    if (schedule.isTestDue) {
      yield* tests.run();
      if (requests.stop) stopped = "asked";
      else if (tests.isOver()) stopped = "early-stop";
      if (stopped) break;
    }
    yield* rounds.next();
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
