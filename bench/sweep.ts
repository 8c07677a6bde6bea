/**
 * Cost of a search for settings: npm run bench:sweep
 *   --iterations 270  iterations of a run that gets all of them
 *   --first 30        iterations after which halving compares runs first, and between the tests that the median rule compares
 *   --write           to bench/results/sweep.json; `npm run docs` makes the table
 * Trains 16 LeNets on the embedded digits: each to the end (a grid), then by successive halving, and by the median rule. Prints what both found, and the iterations that they took.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { loadSolver } from "../lib/caffe/load.js";
import { amend } from "../lib/caffe/message.js";
import { type SweepOptions, sweep, type Trial } from "../lib/sweep/sweep.js";
import { root } from "../spec/support/shared.js";
import { keep, type SweepRow } from "./results.js";

const { values } = parseArgs({
  options: {
    iterations: { type: "string", default: "270" },
    first: { type: "string", default: "30" },
    write: { type: "boolean", default: false },
  },
});
const { message, baseDir } = loadSolver(join(root, "models/lenet/solver.prototxt"));
const solver = amend(message, { max_iter: Number(values.iterations), test_interval: 100_000, display: 0 });
const grid = {
  base_lr: [0.1, 0.03, 0.01, 0.001],
  momentum: [0, 0.9],
  "net.layer.ip1.inner_product_param.num_output": [50, 500],
};

async function search(name: SweepRow["search"], early: Pick<SweepOptions, "firstIterations" | "medianStop">) {
  const output = mkdtempSync(join(tmpdir(), "netrun-bench-"));
  const began = performance.now();
  try {
    const tested = early.medianStop === undefined ? solver : amend(solver, { test_interval: early.medianStop });
    const options = { solver: tested, baseDir, grid, metric: "accuracy", output, workers: 2, ...early };
    let trials: readonly Trial[] = [];
    for await (const event of sweep(options)) if (event.kind === "sweep-done") ({ trials } = event);
    const iterations = trials.reduce((sum, { results }) => sum + (results.at(-1)?.iteration ?? 0), 0);
    const [best] = trials;
    const accuracy = best!.results.at(-1)!.score!;
    const row: SweepRow = { search: name, iterations, accuracy, seconds: (performance.now() - began) / 1000 };
    const settings = Object.entries(best!.settings).map(([path, value]) => `${path}=${value}`);
    console.log(
      `${name}: accuracy ${accuracy} after ${iterations} iterations, ${row.seconds.toFixed(0)} s (${settings.join(" ")})`,
    );
    return { row, trials };
  } finally {
    rmSync(output, { recursive: true, force: true });
  }
}

const whole = await search("grid", {});
const halved = await search("halving", { firstIterations: Number(values.first) });
const median = await search("median", { medianStop: Number(values.first) });
for (const { row, trials } of [halved, median]) {
  const found = JSON.stringify(trials[0]!.settings);
  const place = whole.trials.findIndex(({ settings }) => JSON.stringify(settings) === found);
  const share = (row.iterations / whole.row.iterations).toFixed(3);
  console.log(`the best of ${row.search} is number ${place + 1} of the grid, for ${share} of its iterations`);
}
if (values.write) keep("sweep", [whole.row, halved.row, median.row]);
