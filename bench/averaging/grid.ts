import { existsSync } from "node:fs";
import { join } from "node:path";
import { Solver, train } from "../../lib/index.js";

/** Data set and how it is used in training. */
export interface Subject {
  readonly solver: string;
  readonly data: string;
  readonly testData: string;
  /** Batches of a test pass: all of the test data. */
  readonly testBatches: number;
}

/** Folder where cells leave their snapshots; what git ignores. */
const FOLDER = ".cache/averaging";

/** One cell of the grid: how it is trained, and for how long. */
export interface Cell {
  readonly subject: string;
  readonly workers: number;
  /** Iterations of a round; 1 for one replica, which has nothing to average. */
  readonly interval: number;
  readonly averageHistory: boolean;
  readonly iterations: number;
  readonly every: number;
}

/** Scores on the test data at a moment of a run. */
export interface Point {
  /** Updates of each replica. */
  readonly iteration: number;
  readonly accuracy: number;
  readonly loss: number;
}

/** A cell and what came of it: the same numbers on every run, however busy the machine is. */
export interface GridRun extends Cell {
  readonly points: readonly Point[];
}

/** A day: a run that is stopped and continued, or that other programs slow down, has no hung replicas. */
const WORKER_TIMEOUT_MS = 86_400_000;

/** Trains a cell, testing every `every` iterations or after the round that passes them, or goes on with one that was trained for less. */
export async function trainCell(
  cell: Cell,
  { solver: path, data, testData, testBatches }: Subject,
  before: GridRun | undefined,
): Promise<GridRun> {
  const { workers, interval: syncInterval, averageHistory, iterations, every } = cell;
  const prefix = snapshotPrefix(cell);
  const state = `${prefix}_iter_${before?.iterations}.solverstate`;
  const goesOn = before !== undefined && existsSync(state);
  const settings = {
    max_iter: iterations,
    test_interval: every,
    test_iter: [testBatches],
    // Those that it goes on from have it already.
    test_initialization: !goesOn,
    snapshot: 0,
    snapshot_after_train: true,
    snapshot_prefix: prefix,
    display: 0,
  };
  const options = {
    data,
    testData,
    workers,
    syncInterval,
    averageHistory,
    settings,
    snapshot: goesOn ? state : undefined,
  };
  await using solver = await Solver.load(path, { ...options, workerTimeoutMs: WORKER_TIMEOUT_MS });
  const points: Point[] = goesOn ? [...before.points] : [];
  for await (const event of train(solver)) {
    if (event.kind === "round" && event.lost.length > 0) throw new Error(event.lost[0]!.reason);
    if (event.kind !== "test" || event.iteration === points.at(-1)?.iteration) continue;
    points.push({ iteration: event.iteration, accuracy: event.outputs["accuracy"]![0]!, loss: event.loss });
  }
  return { ...cell, points };
}

/** Last snapshot of a cell, to go on from. */
function snapshotPrefix({ subject, workers, interval, averageHistory }: Cell): string {
  return join(FOLDER, `${subject}-${workers}-${interval}${averageHistory ? "-history" : ""}`);
}

/** Tests whether a run is that of a cell, whatever its length. */
export const isRunOf = (cell: Cell, run: GridRun): boolean =>
  (["subject", "workers", "interval", "averageHistory", "every"] as const).every((key) => run[key] === cell[key]);
