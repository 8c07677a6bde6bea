import { Solver, train } from "../../lib/index.js";

/** What a data set is trained with. */
export interface Subject {
  readonly solver: string;
  readonly data: string;
  readonly testData: string;
  /** Batches of a test pass: all of the test data. */
  readonly testBatches: number;
  /** A score that runs are compared by how soon they reach. */
  readonly accuracy: number;
}

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

/** Trains a cell, testing every `every` iterations or after the round that passes them. */
export async function trainCell(cell: Cell, { solver: path, data, testData, testBatches }: Subject): Promise<GridRun> {
  const { workers, interval: syncInterval, averageHistory, iterations, every } = cell;
  const settings = {
    max_iter: iterations,
    test_interval: every,
    test_iter: [testBatches],
    snapshot: 0,
    snapshot_after_train: false,
    display: 0,
  };
  const options = { data, testData, workers, syncInterval, averageHistory, settings };
  await using solver = await Solver.load(path, { ...options, workerTimeoutMs: WORKER_TIMEOUT_MS });
  const points: Point[] = [];
  for await (const event of train(solver)) {
    if (event.kind === "round" && event.lost.length > 0) throw new Error(event.lost[0]!.reason);
    if (event.kind !== "test") continue;
    const [accuracy, loss] = [event.outputs["accuracy"]![0]!, event.loss];
    points.push({ iteration: event.iteration, accuracy, loss });
  }
  return { ...cell, points };
}

/** Whether a run is that of a cell. */
export const isRunOf = (cell: Cell, run: GridRun): boolean =>
  (Object.keys(cell) as (keyof Cell)[]).every((key) => run[key] === cell[key]);
