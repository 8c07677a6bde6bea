// Times the CPU target's formulations beside the portable ones: npm run bench:formulations [-- PATTERN] [--threads N]
// Each row: piece, shape, formulation, largest difference from the portable one over its largest entry, least and median ms, GF/s.
import { parseArgs } from "node:util";
import { float32, input, type Value } from "../lib/graph/index.js";
import { gradient } from "../lib/net/gradient.js";
import { emit } from "../lib/onnx/emit.js";
import { openSession, type Session } from "../lib/onnx/session.js";
import { type ConvAttrs, conv, maxPool, type PoolAttrs, reshape, slice } from "../lib/ops/index.js";
import { blockedForward } from "../lib/targets/cpu/conv.js";
import {
  blockedInputGradient,
  flippedInputGradient,
  pointwiseInputGradient,
} from "../lib/targets/cpu/conv-input-gradient.js";
import { bandsOf, blockedWeightGradient } from "../lib/targets/cpu/conv-weight-gradient.js";
import { toBlocks } from "../lib/targets/cpu/layout.js";
import { hasMasks, maskedMaxPool } from "../lib/targets/cpu/max-pool-gradient.js";
import { reorderOutput } from "../lib/targets/cpu/nchwc.js";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    threads: { type: "string", default: "1" },
    block: { type: "string", default: "8" },
    runs: { type: "string", default: "9" },
  },
});
const block = Number(options.block);
const threads = Number(options.threads);

type Shape = readonly [n: number, c: number, k: number, kernel: number, h: number, s: number, p: number, g: number];
const convs: Record<string, Shape> = {
  "cifar conv1": [100, 3, 32, 5, 32, 1, 2, 1],
  "cifar conv2": [100, 32, 32, 5, 16, 1, 2, 1],
  "cifar conv3": [100, 32, 64, 5, 8, 1, 2, 1],
  "caffenet conv1": [16, 3, 96, 11, 227, 4, 0, 1],
  "caffenet conv2": [16, 96, 256, 5, 27, 1, 2, 2],
  "caffenet conv3": [16, 256, 384, 3, 13, 1, 1, 1],
  "caffenet conv4": [16, 384, 384, 3, 13, 1, 1, 2],
  "caffenet conv5": [16, 384, 256, 3, 13, 1, 1, 2],
  "googlenet conv2": [8, 64, 192, 3, 56, 1, 1, 1],
  "inception 3x3": [8, 96, 128, 3, 28, 1, 1, 1],
  "inception 5x5": [8, 16, 32, 5, 28, 1, 2, 1],
  "inception 1x1": [8, 192, 64, 1, 28, 1, 0, 1],
  "resnet 3x3 64": [4, 64, 64, 3, 56, 1, 1, 1],
  "resnet 3x3 256": [4, 256, 256, 3, 14, 1, 1, 1],
  "resnet 3x3/2": [4, 128, 128, 3, 56, 2, 1, 1],
  "resnet 1x1": [4, 256, 64, 1, 56, 1, 0, 1],
  "lenet conv1": [64, 1, 20, 5, 28, 1, 0, 1],
  "lenet conv2": [64, 20, 50, 5, 12, 1, 0, 1],
};
const pools: Record<string, readonly [n: number, c: number, h: number, k: number, s: number, p: number, o: number]> = {
  "lenet pool1": [64, 20, 24, 2, 2, 0, 12],
  "cifar pool1": [100, 32, 32, 3, 2, 0, 16],
  "caffenet pool1": [16, 96, 55, 3, 2, 0, 27],
  "caffenet pool2": [16, 256, 27, 3, 2, 0, 13],
  "googlenet pool1": [8, 64, 112, 3, 2, 0, 56],
  "inception pool": [8, 192, 28, 3, 1, 1, 28],
};

interface Row {
  readonly piece: string;
  readonly shape: string;
  readonly flops: number;
  readonly forms: ReadonlyMap<string, Value>;
}

const rows: Row[] = [];
for (const [shape, [n, c, k, kernel, h, s, p, g]] of Object.entries(convs)) {
  const o = Math.floor((h + 2 * p - kernel) / s) + 1;
  const attrs: ConvAttrs = { strides: [s, s], pads: [p, p], dilations: [1, 1], group: g };
  const x = input("x", float32([n, c, h, h]));
  const w = input("w", float32([k, c / g, kernel, kernel]));
  const dy = input("dy", float32([n, k, o, o]));
  const [dx, dw] = gradient(new Map([[conv(x, w, attrs), dy]]), [x, w]) as [Value, Value];
  const flops = 2 * n * k * o * o * (c / g) * kernel * kernel;
  const grouped = g === 1 || ((c / g) % block === 0 && (k / g) % block === 0);
  const weights = new Map([["portable", dw]]);
  if (kernel > 1 && grouped)
    for (const bands of new Set([1, 2, 4, bandsOf(n, o, block)]))
      weights.set(`bands ${bands}`, blockedWeightGradient(x, toBlocks(dy, block), w.type.shape, attrs, block, bands));
  rows.push({ piece: "dW", shape, flops, forms: weights });
  const inputs = new Map([["portable", dx]]);
  if (s === 1) {
    if (grouped) inputs.set("blocked", reorderOutput(blockedInputGradient(toBlocks(dy, block), w, attrs, block), c));
    inputs.set("flipped", flippedInputGradient(dy, w, attrs));
    if (kernel === 1) inputs.set("pointwise", pointwiseInputGradient(dy, w));
  }
  rows.push({ piece: "dX", shape, flops, forms: inputs });
  const forward = new Map([["portable", conv(x, w, attrs)]]);
  if (grouped)
    forward.set(
      "blocked",
      reorderOutput(blockedForward(c < block ? x : toBlocks(x, block), w, undefined, attrs, block), k),
    );
  rows.push({ piece: "y", shape, flops, forms: forward });
}
for (const [shape, [n, c, h, k, s, p, o]] of Object.entries(pools)) {
  const after = Math.max(0, (o - 1) * s + k - h - p);
  const attrs: PoolAttrs = {
    kernel: [k, k],
    strides: [s, s],
    pads: [
      [p, after],
      [p, after],
    ],
  };
  const x = input("x", float32([n, c, h, h]));
  const dy = input("dy", float32([n, c, o, o]));
  const { y } = maxPool(x, attrs);
  const [dx] = gradient(new Map([[y, dy]]), [x]) as [Value];
  const forms = new Map([["portable", dx]]);
  if (hasMasks(attrs, x.type.shape, y.type.shape)) {
    forms.set(
      "blocked",
      reorderOutput(maskedMaxPool(toBlocks(x, block), attrs, block).gradient(toBlocks(dy, block)), c),
    );
  }
  rows.push({ piece: "pool", shape, flops: n * c * h * h, forms });
}

const cut = (value: Value) => slice(reshape(value, [value.type.shape.reduce((a, b) => a * b, 1)]), 0, 0, 1);
const open = (value: Value) => openSession(emit({ name: "form", outputs: new Map([["y", value]]) }), { threads });

for (const { piece, shape, flops, forms } of rows) {
  if (positionals.length > 0 && !positionals.some((part) => `${piece} ${shape}`.includes(part))) continue;
  const feeds: Record<string, Float32Array> = {};
  const fill = (name: string, size: number) => {
    // Few values, so that maxima tie.
    feeds[name] ??= Float32Array.from({ length: size }, () => Math.round((Math.random() - 0.5) * 64) / 64);
  };
  const timed: { name: string; session: Session; ms: number[]; error: number }[] = [];
  let reference: Float32Array | undefined;
  for (const [name, value] of forms) {
    const emitted = emit({ name: "form", outputs: new Map([["y", value]]) });
    for (const [key, leaf] of emitted.inputs)
      fill(
        key,
        leaf.type.shape.reduce((a, b) => a * b, 1),
      );
    await using whole = await open(value);
    const { y } = (await whole.run(feeds, ["y"])) as { y: Float32Array };
    reference ??= y;
    let most = 0;
    let off = 0;
    y.forEach((v, i) => {
      most = Math.max(most, Math.abs(reference![i]!));
      off = Math.max(off, Math.abs(v - reference![i]!));
    });
    timed.push({
      name,
      session: await open(cut(value)),
      ms: [],
      error: y.length === reference.length ? off / most : Infinity,
    });
  }
  for (let run = -1; run < Number(options.runs); run++)
    for (const each of timed) {
      const start = performance.now();
      await each.session.run(feeds, ["y"]);
      if (run >= 0) each.ms.push(performance.now() - start);
    }
  for (const { name, session, ms, error } of timed) {
    ms.sort((a, b) => a - b);
    const [least, median] = [ms[0]!, ms[ms.length >> 1]!];
    console.log(
      `${piece.padEnd(5)} ${shape.padEnd(16)} ${name.padEnd(10)} ${error.toExponential(1)} ${least.toFixed(1).padStart(7)} ${median.toFixed(1).padStart(7)} ms ${(flops / least / 1e6).toFixed(0).padStart(4)} GF/s`,
    );
    await session[Symbol.asyncDispose]();
  }
}
