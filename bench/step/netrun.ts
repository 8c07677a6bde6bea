/**
 * Trains one of the nets, a step at a time: node netrun.js NET [--threads N] [--portable] [--library PATH].
 * Each line N of its input is answered by a line {"ms": [milliseconds of each of N steps]}. The library is another build's
 * lib/index.js, for a comparison of both.
 */
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import type * as Netrun from "../../lib/index.js";
import { stepNets } from "./nets.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    threads: { type: "string", default: "1" },
    portable: { type: "boolean", default: false },
    library: { type: "string" },
  },
});
const library = values.library === undefined ? "../../lib/index.js" : pathToFileURL(values.library).href;
const { Solver }: typeof Netrun = await import(library);
const net = stepNets.find(({ name }) => name === positionals[0])!;
const { batch, image, classes } = net;
const floats = (n: number, of: (i: number) => number) => Float32Array.from({ length: n }, (_, i) => of(i));
const shape = [batch, ...image];
const pixels = shape.reduce((a, b) => a * b, 1);
const data = {
  data: { shape, data: floats(pixels, () => Math.random() - 0.5) },
  label: { shape: [batch], data: floats(batch, (i) => i % classes) },
};
// SGD as all of these nets were trained; a rate that keeps random labels from blowing up.
const solver = await Solver.load(
  `base_lr: 1e-4 lr_policy: "fixed" momentum: 0.9 weight_decay: 0.0005 net_param { ${net.prototxt} }`,
  { threads: Number(values.threads), portable: values.portable },
);
for await (const line of createInterface({ input: process.stdin })) {
  const ms: number[] = [];
  for (let i = 0; i < Number(line); i++) {
    const started = performance.now();
    await solver.step(1, data);
    ms.push(performance.now() - started);
  }
  console.log(JSON.stringify({ ms }));
}
await solver[Symbol.asyncDispose]();
