/** Trains on the stand-in for CUDA by an engine: `node train.js TASK`, a file with a `TrainingTask`. Prints what rounds reported. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalEngine } from "../../lib/engine/local.js";
import { PoolEngine } from "../../lib/engine/pool.js";
import { makePlan, startOf, writeRows } from "../support/plan.js";

/** A training of the plan's net. */
export interface TrainingTask {
  /** GPUs that replicas share; one replica in this thread for a single one. */
  readonly devices: readonly number[];
  /** Iterations of each round. */
  readonly rounds: readonly number[];
}

const BATCH = 4;
const { devices, rounds } = JSON.parse(readFileSync(process.argv[2]!, "utf8")) as TrainingTask;
const folder = mkdtempSync(join(tmpdir(), "netrun-cuda-rows-"));
const rows = Array.from({ length: 64 }, (_, i) => i);
const plan = makePlan({ train: await writeRows(folder, "rows.arrow", rows), batch: BATCH });
const engine = devices.length === 1 ? new LocalEngine() : new PoolEngine({ workers: devices.length });
await engine.open({ ...plan, session: { provider: "cuda", devices } });
const weights = startOf(plan, BATCH);
let iteration = 0;
const reports = [];
for (const n of rounds) {
  const work = { iteration, rates: Array<number>(n).fill(0.1), display: 0 };
  const { losses, rows: seen, notFinite } = await engine.round(weights, work);
  iteration += n;
  reports.push({ losses: losses.length, rows: seen, notFinite });
}
console.log(JSON.stringify(reports));
await engine[Symbol.asyncDispose]();
rmSync(folder, { recursive: true });
process.exit(0);
