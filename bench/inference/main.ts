/**
 * Inference of converted nets, side by side with the same nets in OpenCV's dnn and with what PyTorch exports of the same layers:
 *   npm run bench:inference -- [squeezenet googlenet resnet50 mobilenet] [--batch 1,32] [--rounds 9] [--threads 2]
 * --write keeps them in bench/results/inference.json, and `npm run docs` makes the docs' tables.
 * The peers are Debian's: apt-get install python3-opencv python3-torch. PYTHON names another Python that has both.
 * In each round all take their turn; what is printed are medians of a run's milliseconds. All have the same hashed weights, and
 * outputs are compared first. Both ONNX files run in onnxruntime-node with the same settings.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { convert, Net } from "../../lib/index.js";
import { type ModelFile, openModelFile } from "../../lib/onnx/file.js";
import { hashed, hashWeights } from "../../spec/support/hashed.js";
import { keep } from "../results.js";
import { NETS } from "./nets.js";
import { exportByPyTorch, OpenCv, peerVersions } from "./peers.js";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    batch: { type: "string", default: "1,32" },
    rounds: { type: "string", default: "9" },
    threads: { type: "string", default: String(Math.min(2, availableParallelism())) },
    write: { type: "boolean", default: false },
  },
});
const threads = Number(values.threads);
const rounds = Number(values.rounds);
const names = positionals.length > 0 ? positionals : Object.keys(NETS);
for (const name of names) {
  if (NETS[name]) continue;
  console.error(`which net is "${name}"? there are ${Object.keys(NETS).join(", ")}`);
  process.exit(1);
}

/** Runs images some times: the milliseconds of each, and the last output. */
type Runner = (
  data: Float32Array,
  runs: number,
) => Promise<{ readonly ms: readonly number[]; readonly out: Float32Array }>;

const onnxRunner =
  (file: ModelFile): Runner =>
  async (data, runs) => {
    const inputs = { data: { shape: [data.length / (3 * 224 * 224), 3, 224, 224], data } };
    const ms: number[] = [];
    let out = new Float32Array();
    for (let i = 0; i < runs; i++) {
      const start = performance.now();
      out = (await file.run(inputs))["prob"]!.data as Float32Array<ArrayBuffer>;
      ms.push(performance.now() - start);
    }
    return { ms, out };
  };

const median = (list: readonly number[]) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]!;

/** The largest difference of outputs, as a part of the largest value. */
function differenceOf(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Number.NaN;
  const greatest = a.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  return a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0) / greatest;
}

async function measure(name: string, folder: string): Promise<void> {
  const prototxt = join(folder, "net.prototxt");
  const caffemodel = join(folder, "net.caffemodel");
  writeFileSync(prototxt, NETS[name]!());
  await using net = await Net.load(prototxt);
  hashWeights(net);
  await net.save(caffemodel);
  const { model } = await convert(prototxt, caffemodel);
  await using ours = await openModelFile(model, { threads });
  await using theirs = await openModelFile(exportByPyTorch(net, folder), { threads });
  using cv = new OpenCv(folder, prototxt, caffemodel, threads);
  const runners: readonly Runner[] = [onnxRunner(ours), onnxRunner(theirs), (data, runs) => cv.run(data, runs)];
  for (const batch of values.batch.split(",").map(Number)) {
    const data = hashed("input/data", batch * 3 * 224 * 224, (u) => u - 0.5);
    const runs = batch === 1 ? 5 : 1;
    const outs: Float32Array[] = [];
    for (const run of runners) outs.push((await run(data, 1)).out);
    const times: number[][] = runners.map(() => []);
    for (let round = 0; round < rounds; round++)
      for (const [i, run] of runners.entries()) times[i]!.push(...(await run(data, runs)).ms);
    const [a, b, c] = times.map(median) as [number, number, number];
    if (values.write) keep("inference", [{ net: name, batch, netrunMs: a, torchMs: b, openCvMs: c }]);
    const apart = outs.slice(1).map((out) => differenceOf(outs[0]!, out).toExponential(0));
    const cells = [
      name,
      batch,
      ...[a, b, c].map((ms) => ms.toFixed(1)),
      (a / b).toFixed(2),
      (a / c).toFixed(2),
      ...apart,
    ];
    console.log(`| ${cells.join(" | ")} |`);
  }
}

console.log(
  `${peerVersions()}, onnxruntime-node 1.30.0, ${threads} threads, ${availableParallelism()} cores of ${cpus()[0]?.model}\n\n` +
    "| net | batch | netrun, ms | PyTorch's ONNX, ms | OpenCV dnn, ms | netrun / PyTorch | netrun / OpenCV | output differs from PyTorch's | from OpenCV's |\n" +
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
);
for (const name of names) {
  const folder = mkdtempSync(join(tmpdir(), "netrun-bench-"));
  try {
    await measure(name, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
