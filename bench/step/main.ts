/**
 * Times training steps (forward, backward, update) of five nets beside PyTorch's: npm run bench -- [NET...]
 *   --threads 1,2       threads of each program
 *   --rounds 5          windows of each program, in turn
 *   --python PATH       a Python with PyTorch; without it the environment that bench/step/environment.sh makes; --no-torch for none,
 *                       --no-compiled for its eager forms alone
 *   --portable          the portable form too; --library PATH another build's lib/index.js too
 *   --against COMMAND   any other program: {net} and {threads} are filled in, the number of steps comes last
 *   --write             results to bench/results/step.json, in place of those with the same blocks; npm run docs makes tables of them
 * Windows of programs alternate. A window in which other processes took over 8 % of a processor is thrown away, and counted.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { blockOf } from "../../lib/onnx/target-of.js";
import { flopsOf } from "./flops.js";
import { type Timing, timesOf } from "./measure.js";
import { type StepNet, stepNets } from "./nets.js";
import { gemmPeak } from "./peak.js";
import { against, netrun, type Program, torch } from "./programs.js";
import { type Results, type Row, withRun } from "./results.js";

const FILE = "bench/results/step.json";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  allowNegative: true,
  options: {
    threads: { type: "string", default: "1,2" },
    rounds: { type: "string", default: "5" },
    python: { type: "string" },
    torch: { type: "boolean", default: true },
    compiled: { type: "boolean", default: true },
    portable: { type: "boolean", default: false },
    library: { type: "string" },
    against: { type: "string" },
    write: { type: "boolean", default: false },
  },
});

const python = options.torch ? (options.python ?? environment()) : undefined;

function environment(): string {
  return execFileSync("sh", ["bench/step/environment.sh"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  }).trim();
}

function programsFor(net: StepNet, threads: number): Program[] {
  const programs = [netrun("netrun", net, threads)];
  if (options.portable) programs.push(netrun("netrun portable", net, threads, { portable: true }));
  if (options.library !== undefined)
    programs.push(netrun("netrun other", net, threads, { library: options.library, portable: true }));
  if (python !== undefined) {
    programs.push(torch(python, net, threads, "contiguous", false));
    programs.push(torch(python, net, threads, "channels_last", false));
    if (options.compiled) programs.push(torch(python, net, threads, "channels_last", true));
  }
  if (options.against !== undefined) programs.push(against(options.against, net, threads));
  return programs;
}

function print({ net, batch, threads, gflop, timings }: Row, peak: number): void {
  const [own] = timings as [Timing];
  for (const { program, minMs, medianMs, disturbed } of timings) {
    const share = (100 * gflop * 1000) / medianMs / peak;
    const cells = [
      `${net} ${batch}`.padEnd(14),
      String(threads),
      program.padEnd(28),
      `${medianMs.toFixed(1)} ms`.padStart(10),
      `(min ${minMs.toFixed(1)})`.padStart(14),
      `${(medianMs / own.medianMs).toFixed(2)} of netrun's`,
      `${share.toFixed(0)} % of GEMM peak`,
      disturbed > 0 ? `${disturbed} windows thrown away` : "",
    ];
    console.log(cells.join("  "));
  }
}

const rows: Row[] = [];
const peaks: Record<number, number> = {};
for (const net of stepNets) {
  if (positionals.length > 0 && !positionals.includes(net.name)) continue;
  for (const threads of options.threads.split(",").map(Number)) {
    // Other guests of the machine can only make it less.
    const peak = Math.max(peaks[threads] ?? 0, await gemmPeak(threads));
    peaks[threads] = peak;
    console.log(`matrix product of ${threads} threads: ${peak.toFixed(0)} GF/s`);
    const timings = await timesOf(programsFor(net, threads), Number(options.rounds));
    const row = { net: net.name, batch: net.batch, threads, gflop: flopsOf(net) / 1e9, timings };
    print(row, peak);
    rows.push(row);
  }
}
if (options.write) {
  const { model } = cpus()[0]!;
  const machine = {
    processor: model,
    cores: cpus().length,
    node: process.version,
    block: await blockOf(),
    date: day(),
  };
  const results = withRun(JSON.parse(readFileSync(FILE, "utf8")) as Results, { machine, peaks, rows });
  writeFileSync(FILE, `${JSON.stringify(results, null, 2)}\n`);
}

function day(): string {
  return new Date().toISOString().slice(0, 10);
}
