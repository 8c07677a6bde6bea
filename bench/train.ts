/**
 * Times whole trainings on LMDBs of the reference data, reading and decoding included: npm run bench:train -- [NET...]
 *   --iterations 200    iterations that are timed; a run of 50 is taken off, so that starting does not count
 *   --rounds 3          runs of each program, in turn
 *   --threads 2         netrun's threads
 *   --against COMMAND   any other program; {solver} is filled in, such as "caffe train --solver={solver}". Its folder is that of the data
 *   --write             to bench/results/train.json; `npm run docs` makes the tables
 * Prints milliseconds an iteration (median and least), and what netrun waited for data.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { hasShared, root, sharedPath } from "../spec/support/shared.js";
import { keep } from "./results.js";

const NETS = ["lenet", "cifar10_quick"] as const;
/** Iterations that are over before time is taken: sessions are made, files and caches are warm. */
const FIRST = 50;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    iterations: { type: "string", default: "200" },
    rounds: { type: "string", default: "3" },
    threads: { type: "string", default: "2" },
    against: { type: "string" },
    write: { type: "boolean", default: false },
  },
});
if (!hasShared()) throw new Error("needs the published files in ../shared");
const iterations = Number(options.iterations);
const data = sharedPath("zoo");
const folder = mkdtempSync(join(tmpdir(), "netrun-bench-"));

/** Seconds of a command in the folder of the data. */
function secondsOf(command: string, args: readonly string[], shell: boolean): Promise<number> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const child = spawn(command, args, { cwd: data, shell, stdio: ["ignore", "ignore", "pipe"] });
    let errors = "";
    child.stderr.on("data", (text: Buffer) => {
      errors += text;
    });
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve((performance.now() - began) / 1000);
      else reject(new Error(`${command} ${args.join(" ")} ended with ${code}: ${errors}`));
    });
  });
}

/** The net's own solver for some iterations, without tests, snapshots and displays. */
function solverFile(net: string, count: number): string {
  const own = readFileSync(join(data, "training", `${net}_solver.prototxt`), "utf8");
  const kept = own.replaceAll(/^(test_\w+|display|max_iter|snapshot\w*):.*$/gm, "");
  const path = join(folder, `${net}_${count}.prototxt`);
  writeFileSync(
    path,
    `${kept}\ndisplay: 0 max_iter: ${count} snapshot: 0 snapshot_after_train: false\ntest_interval: 0\n`,
  );
  return path;
}

/** Share of a training that was waiting for data, by its log. */
function waitShare(log: string): number {
  let [wait, all] = [0, 0];
  for (const line of readFileSync(log, "utf8").trim().split("\n")) {
    const event = JSON.parse(line) as Record<string, number> & { event: string };
    if (event.event !== "iteration" || event["iteration"]! < FIRST) continue;
    wait += event["data_wait_ms"]!;
    all += event["data_wait_ms"]! + event["gradient_ms"]! + event["update_ms"]!;
  }
  return wait / all;
}

interface Program {
  readonly name: string;
  run(solver: string): Promise<number>;
  readonly ms: number[];
}

async function bench(net: string): Promise<void> {
  const [short, long] = [solverFile(net, FIRST), solverFile(net, FIRST + iterations)];
  const log = join(folder, "log.json");
  const bin = join(root, "bin", "netrun.js");
  const netrun = (solver: string) =>
    secondsOf(process.execPath, [bin, "train", solver, "--threads", options.threads, "--log-json", log], false);
  const programs: Program[] = [{ name: "netrun", run: netrun, ms: [] }];
  const { against } = options;
  if (against !== undefined)
    programs.push({
      name: "against",
      run: (solver) => secondsOf(against.replaceAll("{solver}", solver), [], true),
      ms: [],
    });
  const waits: number[] = [];
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const { name, run, ms } of programs) {
      const started = await run(short);
      rmSync(log, { force: true });
      ms.push((1000 * ((await run(long)) - started)) / iterations);
      if (name === "netrun") waits.push(waitShare(log));
    }
  }
  const medianOf = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!;
  const own = medianOf(programs[0]!.ms);
  if (options.write) keep("train", [{ net, iterationMs: own, wait: medianOf(waits) }]);
  for (const { name, ms } of programs) {
    const median = medianOf(ms);
    const time = `${median.toFixed(2)} ms an iteration (min ${ms[0]!.toFixed(2)})`;
    const rest =
      name === "netrun"
        ? `${(100 * medianOf(waits)).toFixed(2)} % waiting for data`
        : `${(median / own).toFixed(2)} of netrun's`;
    console.log(`${net.padEnd(14)} ${name.padEnd(8)} ${time}, ${rest}`);
  }
}

try {
  for (const net of NETS) if (positionals.length === 0 || positionals.includes(net)) await bench(net);
} finally {
  rmSync(folder, { recursive: true });
}
