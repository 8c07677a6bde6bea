/**
 * Inference in netrun itself by its own converted file in plain onnxruntime, with the same settings and weights:
 *   npm run bench:inference-own -- [caffenet squeezenet googlenet resnet50 mobilenet] [--batch 1,32] [--rounds 9] [--threads 2]
 * In each round all take their turn. The file's median milliseconds are printed, and for each way to infer in netrun its median by the
 * file's: a forward that asks for the outputs, testNet and extract on batches that cost nothing to read, and a forward of all blobs.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { convert, extract, Net, testNet } from "../../lib/index.js";
import { openModelFile } from "../../lib/onnx/file.js";
import { hashed, hashWeights } from "../../spec/support/hashed.js";
import { root } from "../../spec/support/shared.js";
import { NETS } from "./nets.js";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    batch: { type: "string", default: "1,32" },
    rounds: { type: "string", default: "9" },
    threads: { type: "string", default: "2" },
  },
});
const threads = Number(values.threads);
const rounds = Number(values.rounds);

const SOURCES: Readonly<Record<string, () => string>> = {
  caffenet: () => readFileSync(join(root, "models", "caffenet", "deploy.prototxt"), "utf8"),
  ...NETS,
};

const median = (list: readonly number[]) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]!;

/** A net's text with a layer that makes the same batch again and again in the place of its Input layer. */
function fedByItself(text: string, shape: readonly number[]): string {
  const data = `layer { name: "data" type: "DummyData" top: "data" dummy_data_param {
    shape { ${shape.map((dim) => `dim: ${dim}`).join(" ")} } data_filler { type: "constant" value: 0.25 } } }`;
  const fed = text.replace(/layer\s*\{[^{}]*type:\s*"Input"[^{}]*\{[^{}]*\{[^{}]*\}[^{}]*\}[^{}]*\}/, data);
  if (fed === text) throw new Error("the net has no Input layer");
  return fed;
}

async function measure(name: string, batch: number, folder: string): Promise<void> {
  const text = SOURCES[name]!();
  const weights = join(folder, "net.caffemodel");
  {
    await using made = await Net.load(text);
    hashWeights(made);
    await made.save(weights);
  }
  await using net = await Net.load(text, { weights, threads });
  const { model } = await convert(text, weights, { verify: false });
  await using file = await openModelFile(model, { threads });
  const input = net.inputs[0]!;
  const shape = [batch, ...net.shapes.get(input)!.slice(1)];
  const inputs = {
    [input]: {
      shape,
      data: hashed(
        "input/data",
        shape.reduce((a, b) => a * b),
        (u) => u - 0.5,
      ),
    },
  };
  const fed = fedByItself(text, shape);
  await using tested = await Net.load(fed, { weights, threads });
  const runs = rounds * (batch === 1 ? 5 : 1) + 1;
  const features = extract({ model: fed, weights, threads, blobs: net.outputs, iterations: runs });
  const ways: Readonly<Record<string, () => Promise<unknown>>> = {
    file: () => file.run(inputs),
    forward: () => net.forward(inputs, { blobs: net.outputs }),
    test: () => testNet(tested, { iterations: 1 }),
    extract: () => features.next(),
    all: () => net.forward(inputs),
  };
  const times = new Map<string, number[]>(Object.keys(ways).map((way) => [way, []]));
  for (const run of Object.values(ways)) await run();
  for (let round = 1; round < runs; round++) {
    for (const [way, run] of Object.entries(ways)) {
      const start = performance.now();
      await run();
      times.get(way)!.push(performance.now() - start);
    }
  }
  await features.return();
  const [own, ...others] = [...times.values()].map(median);
  console.log(`| ${[name, batch, own!.toFixed(1), ...others.map((ms) => (ms / own!).toFixed(2))].join(" | ")} |`);
}

console.log(
  "| net | batch | the file, ms | forward of the outputs / file | testNet / file | extract / file | forward of all blobs / file |\n" +
    "| --- | --- | --- | --- | --- | --- | --- |",
);
for (const name of positionals.length > 0 ? positionals : Object.keys(SOURCES)) {
  for (const batch of values.batch.split(",").map(Number)) {
    const folder = mkdtempSync(join(tmpdir(), "netrun-bench-"));
    try {
      await measure(name, batch, folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
}
