/**
 * Cost of layer statistics: npm run bench:statistics -- [SOLVER...]
 *   --rounds 40       pairs of iterations, one with statistics and one without, in turn
 *   --interval 100    the interval whose share of a step is printed
 *   --write           to bench/results/statistics.json; `npm run docs` makes the tables
 * Prints the median of a plain iteration, of one with statistics, and the difference as a share of `interval` plain ones.
 */
import { basename, dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { STATISTICS_INTERVAL } from "../lib/runs/train-run.js";
import { Solver } from "../lib/train/solver.js";
import { root } from "../spec/support/shared.js";
import { keep } from "./results.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "40" },
    interval: { type: "string", default: String(STATISTICS_INTERVAL) },
    write: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const interval = Number(values.interval);

const median = (times: readonly number[]) => [...times].sort((a, b) => a - b)[times.length >> 1]!;

for (const path of positionals.length > 0 ? positionals : [join(root, "models/lenet/solver.prototxt")]) {
  await using solver = await Solver.load(path, {
    statistics: 2,
    calibrate: false,
    settings: { snapshot: 0, snapshot_after_train: false, display: 0 },
  });
  const times: [number[], number[]] = [[], []];
  for (let i = 0; i < 2 * (rounds + 2); i++) {
    const began = performance.now();
    await solver.run(1);
    // The first two pairs make sessions.
    if (i >= 4) times[i % 2]!.push(performance.now() - began);
  }
  const [watched, plain] = times.map(median) as [number, number];
  if (values.write)
    keep("statistics", [{ net: basename(dirname(path)), iterationMs: plain, withStatisticsMs: watched }]);
  const share = (100 * (watched - plain)) / (interval * plain);
  console.log(
    `${path}: ${plain.toFixed(2)} ms an iteration, ${watched.toFixed(2)} ms with statistics: ${share.toFixed(2)} % of a step at every ${interval}`,
  );
}
