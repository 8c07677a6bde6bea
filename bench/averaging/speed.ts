import type { RoundTimes } from "../../lib/engine/engine.js";
import { Solver } from "../../lib/index.js";
import type { Subject } from "./grid.js";

/** Time of a round with several replicas: tau * iterationMs + overheadMs. */
export interface Speed {
  readonly subject: string;
  readonly workers: number;
  /** Threads of each replica; the cores are divided among them where undefined. */
  readonly threads?: number | undefined;
  /** An iteration of all replicas, with waiting for the slowest: the least over the rounds, since other programs only add to it. */
  readonly iterationMs: number;
  /** Sending and averaging: the median over the rounds. */
  readonly overheadMs: number;
  readonly imagesPerSecond: number;
}

const ROUNDS = 6;
const INTERVAL = 10;

/** Measures some rounds, after one that compiles. */
export async function measureSpeed(
  subject: string,
  { solver: path, data, testData }: Subject,
  workers: number,
  threads?: number,
): Promise<Speed> {
  const settings = { display: 0, test_iter: [1] };
  await using solver = await Solver.load(path, { data, testData, workers, settings, threads });
  await solver.run(2);
  const seen: RoundTimes[] = [];
  for (let i = 0; i < ROUNDS; i++) seen.push((await solver.run(INTERVAL)).roundTimes!);
  const iterationMs = Math.min(...seen.map(({ computeMs, waitMs }) => (computeMs + waitMs) / INTERVAL));
  const overheadMs = median(seen.map(({ sendMs, averageMs }) => sendMs + averageMs));
  const imagesPerSecond = (1000 * solver.rowsPerIteration) / (iterationMs + overheadMs / INTERVAL);
  return { subject, workers, threads, iterationMs, overheadMs, imagesPerSecond };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
