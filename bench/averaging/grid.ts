import { Solver, train } from "../../lib/index.js";

/** What a data set is trained with. */
export interface Subject {
  readonly solver: string;
  readonly data: string;
  readonly testData: string;
  /** A score that runs are compared by how soon they reach. */
  readonly accuracy: number;
}

/** Accuracy on the test data at a moment of a run. */
export interface Point {
  /** Updates of each replica. */
  readonly iteration: number;
  /** Seconds of training, tests aside. */
  readonly seconds: number;
  readonly accuracy: number;
}

/** One run of the grid. */
export interface GridRun {
  readonly subject: string;
  readonly workers: number;
  readonly interval: number;
  readonly averageHistory: boolean;
  readonly imagesPerSecond: number;
  /** Mean times of a round, in milliseconds. */
  readonly iterationMs: number;
  readonly overheadMs: number;
  readonly points: readonly Point[];
}

/** Trains a subject on some replicas, testing every `every` iterations or after the round that passes them. */
export async function trainGrid(
  subject: string,
  { solver: path, data, testData }: Subject,
  run: { readonly workers: number; readonly interval: number; readonly averageHistory: boolean },
  limits: { readonly iterations: number; readonly every: number; readonly threads?: number },
): Promise<GridRun> {
  const { workers, interval, averageHistory } = run;
  const settings = {
    max_iter: limits.iterations,
    test_interval: limits.every,
    test_iter: [10],
    snapshot: 0,
    snapshot_after_train: false,
    display: 0,
  };
  await using solver = await Solver.load(path, {
    data,
    testData,
    workers,
    syncInterval: interval,
    averageHistory,
    settings,
    threads: limits.threads,
  });
  const points: Point[] = [];
  let ms = 0;
  let computeMs = 0;
  let rows = 0;
  let iterations = 0;
  let overheadMs = 0;
  let rounds = 0;
  for await (const event of train(solver)) {
    if (event.kind === "test") {
      points.push({ iteration: event.iteration, seconds: ms / 1000, accuracy: event.outputs["accuracy"]![0]! });
    }
    // The first round compiles.
    if (event.kind !== "round" || event.round === 1) continue;
    const { times } = event;
    rounds++;
    ms += times.totalMs;
    computeMs += times.computeMs;
    overheadMs += times.sendMs + times.averageMs;
    rows += event.rows;
    iterations += event.iterations;
  }
  return {
    subject,
    workers,
    interval,
    averageHistory,
    imagesPerSecond: rows / (ms / 1000),
    iterationMs: computeMs / iterations,
    overheadMs: overheadMs / rounds,
    points,
  };
}
