/**
 * Trains on replicas for some time, watching for crashes and growing memory: `npm run soak -- --minutes 2`.
 * Flags: --minutes, --workers, --isolation. Fails if a worker was lost or memory grew by more than a fifth after the first half.
 */
import { parseArgs } from "node:util";
import { train } from "../lib/index.js";

const GROWTH = 1.2;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "2" },
    workers: { type: "string", default: "2" },
    isolation: { type: "string", default: "thread" },
  },
});
const endMs = performance.now() + Number(values.minutes) * 60_000;
const startMs = performance.now();
const resident = () => process.memoryUsage().rss / 1e6;

let rounds = 0;
let lost = 0;
let halfMB = 0;
const settings = {
  max_iter: 1_000_000,
  snapshot: 0,
  snapshot_after_train: false,
  display: 0,
  test_interval: 100,
  test_iter: [2],
};
const run = train({
  solver: "models/lenet/solver.prototxt",
  workers: Number(values.workers),
  syncInterval: 5,
  isolation: values.isolation === "process" ? "process" : "thread",
  settings,
});
for await (const round of run) {
  if (round.kind !== "round") continue;
  rounds++;
  lost += round.lost.length;
  for (const { replica, reason } of round.lost)
    console.log(`round ${round.round}: replica ${replica} was lost: ${reason}`);
  const now = performance.now();
  if (halfMB === 0 && now - startMs > (endMs - startMs) / 2) halfMB = resident();
  if (now > endMs) break;
}
const endMB = resident();
console.log(
  `${rounds} rounds, ${lost} workers lost, ${halfMB.toFixed(0)} MB half way, ${endMB.toFixed(0)} MB at the end`,
);
if (lost > 0 || endMB > GROWTH * halfMB) process.exitCode = 1;
