/**
 * Checks and times netrun on an NVIDIA GPU beside PyTorch: npm run bench:gpu -- [NET...]
 *   --dry-run        small sizes on the CPU provider: whether everything here runs
 *   --python PATH    a Python with PyTorch; by default python3 where it has it; --no-torch for none
 *   --write PATH     where the results go; bench/results/gpu.json unless this is a dry run
 * First it compares every layer's golden net, LeNet's losses over 50 iterations and CIFAR-10 quick's over 30 with the CPU's, and stops
 * where they differ. Then it trains lenet, cifar, caffenet, googlenet and resnet50 and runs ResNet-50's converted file, in float32 and in TF32.
 * bench/gpu/pack.sh lists and packs what a machine without a network needs.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { NetrunError } from "../../lib/error.js";
import { correctness, faultsOf } from "./correct.js";
import type { Measured, Request } from "./measure.js";
import { netsOf } from "./nets.js";
import { shortfallsOf, tableOf } from "./results.js";
import { runtimeOf } from "./runtime.js";
import { torchVersion } from "./torch.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    "dry-run": { type: "boolean", default: false },
    python: { type: "string", default: "python3" },
    "no-torch": { type: "boolean", default: false },
    write: { type: "string" },
  },
});
const isDry = values["dry-run"];
const provider = isDry ? "cpu" : "cuda";
const nets = positionals.length > 0 ? positionals : netsOf(isDry).map(({ name }) => name);
const torch = values["no-torch"] ? undefined : torchVersion(values.python);

const session = await runtimeOf(provider, false).catch((error: unknown) => {
  console.error(error instanceof NetrunError ? error.format() : error);
  process.exit(1);
});
const correct = await correctness({ ...session, loop: true }, netsOf(isDry));
const faults = faultsOf(correct);
console.log(
  `${correct.layers} layers, ${Object.keys(correct.losses).join(" and ")} compared with the CPU: ${faults.length === 0 ? "the same" : "they differ"}`,
);
for (const fault of faults) console.log(`  ${fault}`);
if (faults.length > 0) process.exit(1);

/** Measures in a process of its own. */
function measured(tf32: boolean): Measured {
  const request: Request = { provider, tf32, isDry, nets, ...(torch !== undefined && { python: values.python }) };
  const child = fileURLToPath(new URL("measure.js", import.meta.url));
  const { status, stdout } = spawnSync(process.execPath, [child, JSON.stringify(request)], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    maxBuffer: 2 ** 26,
  });
  if (status !== 0) throw new Error(`the measurement ended with ${status}`);
  return JSON.parse(stdout.trimEnd().split("\n").at(-1)!) as Measured;
}

const gpu = isDry
  ? undefined
  : execFileSync("nvidia-smi", ["--query-gpu=name,driver_version", "--format=csv,noheader"], {
      encoding: "utf8",
    }).split("\n")[0];
const results = {
  device: gpu ?? "the CPU provider: a dry run",
  date: new Date().toISOString().slice(0, 10),
  node: process.version,
  torch: torch ?? null,
  correctness: correct,
  float32: measured(false),
  ...(!isDry && { tf32: measured(true) }),
};
console.log(tableOf(results));
for (const shortfall of shortfallsOf(results)) console.log(`below its target: ${shortfall}`);
const path = values.write ?? (isDry ? undefined : "bench/results/gpu.json");
if (path !== undefined) writeFileSync(path, `${JSON.stringify(results, null, 2)}\n`);
process.exit(0);
