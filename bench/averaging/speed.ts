import { Solver } from "../../lib/index.js";
import type { RoundTimes } from "../../lib/engine/engine.js";
import type { Subject } from "./grid.js";

/** Where the time of a round goes, in milliseconds: medians over some rounds. */
export interface Speed {
  readonly subject: string;
  readonly workers: number;
  readonly interval: number;
  /** Threads of each replica; the cores are divided among them where undefined. */
  readonly threads?: number | undefined;
  readonly rounds: number;
  readonly sendMs: number;
  readonly computeMs: number;
  readonly waitMs: number;
  readonly averageMs: number;
  readonly totalMs: number;
  readonly imagesPerSecond: number;
}

/** Iterations that short rounds are measured over at least. */
const ITERATIONS = 20;

/** Measures rounds of several lengths, after one that compiles. */
export async function measureSpeed(
  subject: string,
  { solver: path, data, testData }: Subject,
  workers: number,
  intervals: readonly number[],
  threads?: number,
): Promise<readonly Speed[]> {
  const settings = { display: 0, test_iter: [1] };
  await using solver = await Solver.load(path, { data, testData, workers, settings, threads });
  await solver.run(2);
  const speeds: Speed[] = [];
  for (const interval of intervals) {
    const rounds = Math.max(1, Math.round(ITERATIONS / interval));
    const seen: RoundTimes[] = [];
    for (let i = 0; i < rounds; i++) seen.push((await solver.run(interval)).roundTimes!);
    const of = (key: keyof RoundTimes) => median(seen.map((times) => times[key]));
    const totalMs = of("totalMs");
    const times = {
      sendMs: of("sendMs"),
      computeMs: of("computeMs"),
      waitMs: of("waitMs"),
      averageMs: of("averageMs"),
    };
    const rows = interval * solver.rowsPerIteration;
    speeds.push({
      subject,
      workers,
      interval,
      threads,
      rounds,
      ...times,
      totalMs,
      imagesPerSecond: (1000 * rows) / totalMs,
    });
  }
  return speeds;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
