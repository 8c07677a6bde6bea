/**
 * Times training steps (forward, backward, update) of five nets beside PyTorch's: npm run bench -- [NET...]
 *   --threads 1,2       threads of each program
 *   --rounds 5          windows of each program, in turn
 *   --python PATH       a Python with PyTorch; without it the environment that bench/step/environment.sh makes; --no-torch for none
 *   --portable          the portable form too; --library PATH another build's lib/index.js too
 *   --against COMMAND   any other program: {net} and {threads} are filled in, the number of steps comes last
 *   --write             results to bench/results/step.json
 * Windows of programs alternate. A window in which other processes took over 8 % of a processor is thrown away, and counted.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { others } from "./disturbance.js";
import { flopsOf } from "./flops.js";
import { type StepNet, stepNets } from "./nets.js";
import { gemmPeak } from "./peak.js";
import { against, netrun, type Program, torch } from "./programs.js";

/** Share of a processor that others may take in a window. */
const DISTURBED = 0.08;
/** How long a window is to be, in milliseconds. */
const WINDOW = 1500;
/** How often a disturbed window is tried again. */
const RETRIES = 3;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  allowNegative: true,
  options: {
    threads: { type: "string", default: "1,2" },
    rounds: { type: "string", default: "5" },
    python: { type: "string" },
    torch: { type: "boolean", default: true },
    portable: { type: "boolean", default: false },
    library: { type: "string" },
    against: { type: "string" },
    write: { type: "boolean", default: false },
  },
});

/** What one program took for a step of one net. */
interface Timing {
  readonly program: string;
  readonly minMs: number;
  readonly medianMs: number;
  /** Windows that were thrown away. */
  readonly disturbed: number;
}

interface Row {
  readonly net: string;
  readonly batch: number;
  readonly threads: number;
  readonly gflop: number;
  /** GF/s of onnxruntime's matrix product in the same run. */
  readonly gemmPeak: number;
  readonly timings: readonly Timing[];
}

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
    programs.push(torch(python, net, threads, "channels_last", true));
  }
  if (options.against !== undefined) programs.push(against(options.against, net, threads));
  return programs;
}

const median = (sorted: readonly number[]) => sorted[sorted.length >> 1]!;

async function timesOf(net: StepNet, threads: number): Promise<Timing[]> {
  const programs = programsFor(net, threads);
  const known = programs.map((program) => ({ program, ms: [] as number[], steps: 1, disturbed: 0 }));
  const pids = [process.pid, ...programs.map(({ pid }) => pid)];
  try {
    for (const each of known) {
      await each.program.steps(2);
      const [last] = await each.program.steps(1);
      each.steps = Math.max(2, Math.min(100, Math.round(WINDOW / last!)));
    }
    for (let round = 0; round < Number(options.rounds); round++) {
      for (const each of known) {
        for (let trial = 0; trial <= RETRIES; trial++) {
          const { result, share } = await others(pids, () => each.program.steps(each.steps));
          if (share <= DISTURBED) {
            each.ms.push(...result);
            break;
          }
          each.disturbed++;
        }
      }
    }
  } finally {
    for (const program of programs) program.end();
  }
  return known.map(({ program: { name }, ms, disturbed }) => {
    ms.sort((a, b) => a - b);
    return { program: name, minMs: ms[0] ?? Number.NaN, medianMs: median(ms) ?? Number.NaN, disturbed };
  });
}

function print({ net, batch, threads, gflop, gemmPeak: peak, timings }: Row): void {
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
for (const net of stepNets) {
  if (positionals.length > 0 && !positionals.includes(net.name)) continue;
  for (const threads of options.threads.split(",").map(Number)) {
    const peak = await gemmPeak(threads);
    const timings = await timesOf(net, threads);
    const row = { net: net.name, batch: net.batch, threads, gflop: flopsOf(net) / 1e9, gemmPeak: peak, timings };
    print(row);
    rows.push(row);
  }
}
if (options.write) {
  mkdirSync("bench/results", { recursive: true });
  const machine = {
    processor: cpus()[0]!.model,
    cores: cpus().length,
    node: process.version,
    date: new Date().toISOString(),
  };
  writeFileSync("bench/results/step.json", `${JSON.stringify({ machine, rows }, null, 2)}\n`);
}
