/**
 * Peak memory of training, each net in a process of its own: `npm run bench:memory -- [NET:BATCH ...] [--steps 3] [--threads 2]
 * [--python PATH] [--write]`, such as caffenet:64 googlenet:32 resnet50:32. Prints what the process held at most, what the weights, gradients and history are of it, and
 * the median milliseconds of a step. GoogLeNet is the reference data's, with its auxiliary losses. With --python, of a Python that has PyTorch, PyTorch's peaks in both layouts are measured too.
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ProtoLoader, Solver } from "../lib/index.js";
import { hashed } from "../spec/support/hashed.js";
import { root, sharedPath } from "../spec/support/shared.js";
import { NETS } from "./inference/nets.js";
import { keep } from "./results.js";
import { describe } from "./step/description.js";
import { stepNets } from "./step/nets.js";

/** Nets by name: their prototxts. */
const SOURCES: Readonly<Record<string, () => string>> = {
  caffenet: () => join(root, "models", "caffenet", "train_test.prototxt"),
  googlenet: () => sharedPath("zoo", "prototxt", "bvlc", "models+bvlc_googlenet+train_val.prototxt"),
  resnet50: () => `${NETS["resnet50"]!().replace(/layer \{ name: "prob".*$/s, "")}
    layer { name: "labels" type: "Input" top: "label" input_param { shape { dim: 1 } } }
    layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }`,
};

/** Sides of the images of each net. */
const SIDES: Readonly<Record<string, number>> = { caffenet: 227, googlenet: 224, resnet50: 224 };

interface Outcome {
  readonly peakBytes: number;
  readonly parameterBytes: number;
  readonly stepMs: number;
}

const MB = 2 ** 20;
const megabytes = (bytes: number) => Math.round(bytes / MB);

/** Trains some steps on one batch, and prints the outcome as JSON. */
async function train(name: string, batch: number, steps: number, threads: number): Promise<void> {
  const side = SIDES[name]!;
  const net = ProtoLoader.replaceDataLayers(ProtoLoader.loadNetPrototxt(SOURCES[name]!()), batch, 1, 3, side, side);
  await using solver = await Solver.load(
    ProtoLoader.loadSolverPrototxtWithNet(join(root, "models", "caffenet", "solver.prototxt"), net),
    { threads },
  );
  const data = hashed("input/data", batch * 3 * side * side, (u) => 255 * (u - 0.5));
  const label = Float32Array.from({ length: batch }, (_, i) => i % 1000);
  const times: number[] = [];
  for (let step = 0; step < steps; step++) {
    const start = performance.now();
    await solver.step(1, { data: { shape: [batch, 3, side, side], data }, label: { shape: [batch], data: label } });
    times.push(performance.now() - start);
  }
  const parameters = [...solver.net.params.values()].flat().reduce((sum, { diff }) => sum + diff.byteLength, 0);
  const outcome: Outcome = {
    peakBytes: process.resourceUsage().maxRSS * 1024,
    parameterBytes: parameters,
    stepMs: times.sort((a, b) => a - b)[Math.floor(times.length / 2)]!,
  };
  console.log(JSON.stringify(outcome));
}

/** The most that PyTorch holds in some steps of a net, in bytes. */
function torchPeak(
  python: string,
  name: string,
  batch: number,
  steps: number,
  threads: number,
  layout: string,
): number {
  const net = stepNets.find((each) => each.name === name)!;
  const input = `${describe({ ...net, batch })}\n${steps}\n`;
  const text = execFileSync(python, ["bench/step/torch_step.py", String(threads), layout], { input, encoding: "utf8" });
  return (JSON.parse(text) as { readonly peak: number }).peak;
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    steps: { type: "string", default: "3" },
    threads: { type: "string", default: "2" },
    python: { type: "string" },
    write: { type: "boolean", default: false },
    child: { type: "boolean", default: false },
  },
});
const runs = positionals.length > 0 ? positionals : ["caffenet:64", "googlenet:32", "resnet50:32"];
for (const run of runs) {
  const [name = "", batch = ""] = run.split(":");
  if (!SOURCES[name] || !(Number(batch) > 0)) {
    console.error(`"${run}" is not NET:BATCH with one of ${Object.keys(SOURCES).join(", ")}`);
    process.exit(1);
  }
  if (values.child) await train(name, Number(batch), Number(values.steps), Number(values.threads));
  else {
    const flags = [run, "--child", "--steps", values.steps, "--threads", values.threads];
    const text = execFileSync(process.execPath, [fileURLToPath(import.meta.url), ...flags], { encoding: "utf8" });
    const { peakBytes, parameterBytes, stepMs } = JSON.parse(text) as Outcome;
    const vectors = `weights, gradients and history ${megabytes(3 * parameterBytes)} MB`;
    console.log(`${run}: peak ${megabytes(peakBytes)} MB, ${vectors}, step ${stepMs.toFixed(0)} ms`);
    const { python } = values;
    const torch: number[] = [];
    for (const layout of python === undefined ? [] : ["contiguous", "channels_last"]) {
      const peak = torchPeak(python!, name, Number(batch), Number(values.steps), Number(values.threads), layout);
      console.log(`${run}: PyTorch, ${layout}: peak ${megabytes(peak)} MB`);
      torch.push(megabytes(peak));
    }
    const row = {
      net: name,
      batch: Number(batch),
      netrunMB: megabytes(peakBytes),
      vectorsMB: megabytes(3 * parameterBytes),
    };
    if (values.write) keep("memory", [{ ...row, ...(torch.length > 0 && { torchMB: Math.min(...torch) }) }]);
  }
}
