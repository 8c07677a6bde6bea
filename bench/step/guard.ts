/**
 * Fails where a net's training step has lost more than 15 % against the portable form in the same run: npm run bench:guard.
 * The speed-ups to keep are those of bench/results/guard.json, by the block of this processor's kernels; --write replaces them.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { blockOf } from "../../lib/onnx/target-of.js";
import { timesOf } from "./measure.js";
import { stepNets } from "./nets.js";
import { netrun } from "./programs.js";

/** Part of a speed-up that has to be left. */
const KEPT = 0.85;
/** Timed programs: each is done in seconds. */
const NETS = ["lenet", "cifar", "googlenet"];
const THREADS = 1;
const ROUNDS = 3;
const FILE = "bench/results/guard.json";

/** Portable milliseconds by netrun's, by block, then net. */
type Recorded = Record<string, Record<string, number>>;

const recorded = JSON.parse(readFileSync(FILE, "utf8")) as Recorded;
const block = String(await blockOf());
const measured: Record<string, number> = {};
for (const net of stepNets.filter(({ name }) => NETS.includes(name))) {
  const programs = [netrun("netrun", net, THREADS), netrun("portable", net, THREADS, { portable: true })];
  const [own, portable] = await timesOf(programs, ROUNDS);
  const gain = portable!.minMs / own!.minMs;
  if (Number.isNaN(gain)) {
    console.log(`${net.name}: not measured, other processes took the processor in every window`);
    continue;
  }
  measured[net.name] = Math.round(gain * 100) / 100;
  const wanted = recorded[block]?.[net.name] ?? 1;
  const isKept = gain >= KEPT * wanted;
  console.log(
    `${net.name}: ${gain.toFixed(2)} times the portable form's speed, ${wanted} recorded${isKept ? "" : ": LOST"}`,
  );
  if (!isKept) process.exitCode = 1;
}
if (process.argv.includes("--write")) {
  writeFileSync(FILE, `${JSON.stringify({ ...recorded, [block]: measured }, null, 2)}\n`);
  process.exitCode = 0;
}
