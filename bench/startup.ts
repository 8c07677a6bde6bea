/**
 * Measures how long commands take to start: `npm run bench:startup -- [TIMES [NAME]] [--write]`, medians of TIMES (default 5) processes each.
 * - processor time of `--help`, `--version` and `inspect` of LeNet
 * - seconds from a command to the end of its first training iteration: LeNet, CaffeNet from a .caffemodel of 240 MB (one image a
 *   batch), ResNet-152 (one small image a batch)
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { amend, Net, ProtoLoader, printText } from "../lib/index.js";
import { resnetPrototxt } from "./resnet.js";
import { keep } from "./results.js";

const BIN = "bin/netrun.js";
/** Prints the processor time of a process at its end, in ms, on stderr. */
const REPORT = `data:text/javascript,process.on("exit",()=>{const{user,system}=process.cpuUsage();console.error("cpu",(user+system)/1000)})`;

/** Cost of a process: processor time, and the time until it printed a line. */
interface Taken {
  readonly cpuMs: number;
  readonly lineMs: number;
}

/** Runs netrun; `line` is what it waits for on stdout, whose process is then ended. */
function netrun(args: readonly string[], line?: RegExp): Promise<Taken> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const child = spawn(process.execPath, ["--import", REPORT, BIN, ...args]);
    let out = "";
    let error = "";
    let lineMs = Number.NaN;
    child.stdout.on("data", (data: Buffer) => {
      out += data;
      if (line?.test(out) && Number.isNaN(lineMs)) {
        lineMs = performance.now() - began;
        child.kill("SIGKILL");
      }
    });
    child.stderr.on("data", (data: Buffer) => {
      error += data;
    });
    child.on("close", () => {
      if (line && Number.isNaN(lineMs)) reject(new Error(`netrun ${args.join(" ")}: ${error}${out}`));
      else resolve({ cpuMs: Number(/cpu ([\d.]+)/.exec(error)?.[1]), lineMs });
    });
  });
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

async function medianOf(times: number, args: readonly string[], line?: RegExp): Promise<Taken> {
  const taken: Taken[] = [];
  for (let i = 0; i < times; i++) taken.push(await netrun(args, line));
  return { cpuMs: median(taken.map(({ cpuMs }) => cpuMs)), lineMs: median(taken.map(({ lineMs }) => lineMs)) };
}

/** A solver of one iteration on a net, without tests and snapshots. */
function solverFile(folder: string, name: string, net: string): string {
  const path = join(folder, `${name}_solver.prototxt`);
  writeFileSync(
    path,
    `net: "${net}" base_lr: 0.001 lr_policy: "fixed" momentum: 0.9 max_iter: 1000 display: 1 snapshot_after_train: false
     snapshot_prefix: "${join(folder, name)}" `,
  );
  return path;
}

/** CaffeNet on one constant image, and its weights. */
async function caffenet(folder: string) {
  const net = ProtoLoader.loadNetPrototxt("models/caffenet/train_test.prototxt");
  const layer = net.layer.filter(({ include }) => include.length === 0);
  const data = `layer { name: "data" type: "DummyData" top: "data" top: "label" dummy_data_param {
    shape { dim: 1 dim: 3 dim: 227 dim: 227 } shape { dim: 1 } } }\n`;
  const path = join(folder, "caffenet.prototxt");
  writeFileSync(path, data + printText(amend(net, { layer })));
  const weights = join(folder, "caffenet.caffemodel");
  await using filled = await Net.load(path, { phase: "TRAIN" });
  await filled.save(weights);
  return { solver: solverFile(folder, "caffenet", path), weights };
}

function resnet(folder: string): string {
  const path = join(folder, "resnet.prototxt");
  const deploy = resnetPrototxt(152)
    .replace("dim: 224 dim: 224", "dim: 64 dim: 64")
    .replace(/layer \{ name: "prob".*/, "");
  const text = deploy.replace(
    'type: "Input" top: "data" input_param { shape',
    'type: "DummyData" top: "data" dummy_data_param { shape',
  );
  writeFileSync(
    path,
    `${text}
     layer { name: "label" type: "DummyData" top: "label" dummy_data_param { shape { dim: 1 } } }
     layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc1000" bottom: "label" top: "loss" }`,
  );
  return solverFile(folder, "resnet", path);
}

const { positionals, values: flags } = parseArgs({
  allowPositionals: true,
  options: { write: { type: "boolean", default: false } },
});
const times = Number(positionals[0] ?? 5);
const only = positionals[1];
const folder = mkdtempSync(join(tmpdir(), "netrun-bench-"));
try {
  const cases: Readonly<Record<string, () => Promise<number>>> = {
    "`--help`, processor time": async () => (await medianOf(times, ["--help"])).cpuMs,
    "`--version`, processor time": async () => (await medianOf(times, ["--version"])).cpuMs,
    "`inspect` of LeNet, processor time": async () =>
      (await medianOf(times, ["inspect", "models/lenet/deploy.prototxt"])).cpuMs,
    "`train` of LeNet": async () => first(["train", solverFile(folder, "lenet", "models/lenet/train_test.prototxt")]),
    "`train` of CaffeNet from 240 MB of weights": async () => {
      const { solver, weights } = await caffenet(folder);
      return first(["train", solver, "--weights", weights]);
    },
    "`train` of ResNet-152, its weights filled": async () => first(["train", resnet(folder)]),
  };
  for (const [name, run] of Object.entries(cases))
    if (only === undefined || name.includes(only)) {
      const seconds = (await run()) / 1000;
      console.log(`${name.padEnd(44)} ${seconds.toFixed(2)} s`);
      if (flags.write) keep("startup", [{ command: name, seconds }]);
    }
} finally {
  rmSync(folder, { recursive: true });
}

async function first(args: readonly string[]): Promise<number> {
  return (await medianOf(times, args, /Iteration 0/)).lineMs;
}
