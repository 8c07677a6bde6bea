import { expect } from "chai";
import { count, float32, input, type Value } from "../../lib/graph/index.js";
import { gradient } from "../../lib/net/gradient.js";
import { emit } from "../../lib/onnx/emit.js";
import { openSession } from "../../lib/onnx/session.js";
import { targetOf } from "../../lib/onnx/target-of.js";
import {
  add,
  averagePool,
  batchNormalize,
  channelAffine,
  concat,
  conv,
  gemm,
  lrn,
  maxPool,
  relu,
} from "../../lib/ops/index.js";
import { formulations } from "../../lib/targets/cpu/formulations.js";
import { blockedGraph } from "../../lib/targets/cpu/pass.js";
import type { RewriteSite } from "../../lib/targets/cpu/rules.js";
import { formulated, portable, type Target } from "../../lib/targets/index.js";
import { prng } from "../support/prng.js";

/** A graph of inputs x (and weights w, b), whose gradients in all of them are compared too. */
interface Example {
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  build(inputs: Readonly<Record<string, Value>>): Value;
}

type Numbers = readonly [number, number];

const convolution = (
  [n, c, k]: readonly [number, number, number],
  kernel: Numbers,
  size: Numbers,
  { strides = [1, 1] as Numbers, pads = [0, 0] as Numbers, dilations = [1, 1] as Numbers, group = 1 } = {},
): Example => ({
  inputs: { x: [n, c, ...size], w: [k, c / group, ...kernel], b: [k] },
  build: ({ x, w, b }) => conv(x!, w!, { strides, pads, dilations, group }, b),
});

const pooling = (
  kind: "max" | "average",
  shape: readonly number[],
  kernel: number,
  stride: number,
  before: number,
  after: number,
): Example => ({
  inputs: { x: shape },
  build({ x }) {
    const pads = [
      [before, after],
      [before, after],
    ] as const;
    const attrs = { kernel: [kernel, kernel], strides: [stride, stride], pads };
    return kind === "max" ? maxPool(x!, attrs).y : averagePool(x!, attrs);
  },
});

/** Shapes at the edges of the conditions: whole and incomplete blocks of channels, one image, groups, strides, dilation, ceil mode. */
const examples: Readonly<Record<string, Example>> = {
  "3 channels": convolution([2, 3, 16], [5, 5], [9, 9], { pads: [2, 2] }),
  "one channel": convolution([3, 1, 20], [5, 5], [12, 12]),
  "whole blocks": convolution([4, 32, 16], [3, 3], [7, 9], { pads: [1, 1] }),
  "incomplete blocks": convolution([5, 20, 50], [5, 5], [12, 12]),
  "channels that fill little of a block": convolution([3, 18, 18], [3, 3], [7, 7], { pads: [1, 1] }),
  "one image": convolution([1, 16, 24], [3, 3], [6, 6], { pads: [1, 1] }),
  "groups of blocks": convolution([2, 32, 64], [3, 3], [6, 6], { pads: [1, 1], group: 2 }),
  "groups of less than a block": convolution([2, 12, 12], [3, 3], [6, 6], { group: 4 }),
  depthwise: convolution([2, 16, 16], [3, 3], [6, 6], { pads: [1, 1], group: 16 }),
  stride: convolution([2, 16, 16], [3, 3], [9, 9], { strides: [2, 2], pads: [1, 1] }),
  "a stride with rows that no window reaches": convolution([2, 16, 16], [3, 3], [10, 10], { strides: [3, 3] }),
  dilation: convolution([2, 16, 16], [3, 3], [9, 9], { pads: [2, 2], dilations: [2, 2] }),
  "1 by 1": convolution([3, 24, 16], [1, 1], [5, 5]),
  "1 by 1, stride": convolution([3, 16, 16], [1, 1], [5, 5], { strides: [2, 2] }),
  "other sides": convolution([2, 16, 16], [1, 7], [5, 9], { pads: [0, 3] }),
  "a kernel as large as the input": convolution([9, 16, 32], [6, 6], [6, 6]),
  "a pad beyond the kernel": convolution([2, 16, 16], [1, 1], [4, 4], { pads: [1, 1] }),
  "max 2 by 2": pooling("max", [3, 10, 6, 6], 2, 2, 0, 0),
  "max 3 by 3, stride 2, odd": pooling("max", [2, 16, 7, 7], 3, 2, 0, 0),
  "max 3 by 3, stride 2, even, ceil": pooling("max", [2, 8, 8, 8], 3, 2, 0, 1),
  "max 3 by 3, stride 1": pooling("max", [2, 5, 6, 6], 3, 1, 1, 1),
  "max 3 by 3, stride 2, padded": pooling("max", [2, 8, 7, 7], 3, 2, 1, 1),
  "max 4 by 4, stride 3": pooling("max", [2, 8, 10, 10], 4, 3, 0, 0),
  "average 3 by 3, stride 2": pooling("average", [2, 16, 9, 9], 3, 2, 0, 0),
  "average 3 by 3, stride 2, ceil": pooling("average", [2, 12, 8, 8], 3, 2, 0, 1),
  "average of all": pooling("average", [2, 16, 5, 5], 5, 1, 0, 0),
  "average 5 by 5, stride 3, padded": pooling("average", [2, 8, 14, 14], 5, 3, 1, 1),
  "normalisation across channels": {
    inputs: { x: [2, 16, 4, 4] },
    build: ({ x }) => lrn(x!, { size: 5, alpha: 0.5, beta: 0.75, bias: 1 }),
  },
  "normalisation across channels of wide planes": {
    inputs: { x: [2, 8, 33, 34] },
    build: ({ x }) => lrn(x!, { size: 3, alpha: 0.5, beta: 0.5, bias: 1 }),
  },
  "inner product of few rows": {
    inputs: { x: [3, 1024], w: [70, 1024], b: [70] },
    build: ({ x, w, b }) => gemm(x!, w!, { transB: true }, b),
  },
  "1 by 1 between others, one with a stride": {
    inputs: { x: [2, 3, 9, 9], w: [16, 3, 3, 3], v: [24, 16, 1, 1], u: [10, 24, 1, 1] },
    build({ x, w, v, u }) {
      const same = { strides: [1, 1], pads: [1, 1], dilations: [1, 1], group: 1 };
      const reduced = conv(relu(conv(x!, w!, same)), v!, { ...same, pads: [0, 0] });
      return conv(relu(reduced), u!, { ...same, pads: [0, 0], strides: [2, 2] });
    },
  },
  "strides of 1 by 1 between blocks, odd sides": {
    inputs: { x: [2, 3, 9, 7], w: [16, 3, 3, 3], v: [24, 16, 1, 1], u: [16, 24, 3, 3] },
    build({ x, w, v, u }) {
      const same = { strides: [1, 1], pads: [1, 1], dilations: [1, 1], group: 1 };
      return conv(conv(relu(conv(x!, w!, same)), v!, { ...same, pads: [0, 0], strides: [2, 2] }), u!, same);
    },
  },
  "a residual with biases": {
    inputs: { x: [2, 3, 6, 6], w: [20, 3, 3, 3], b: [20], v: [20, 20, 3, 3], c: [20] },
    build({ x, w, b, v, c }) {
      const same = { strides: [1, 1], pads: [1, 1], dilations: [1, 1], group: 1 };
      const first = relu(conv(x!, w!, same, b));
      return relu(add(conv(first, v!, same, c), first));
    },
  },
  "normalisation of batches, scaled, summed": {
    inputs: { x: [3, 3, 6, 5], w: [20, 3, 3, 3], s: [20], b: [20], v: [20, 20, 1, 1], t: [20], c: [20] },
    build({ x, w, s, b, v, t, c }) {
      const same = { strides: [1, 1], pads: [1, 1], dilations: [1, 1], group: 1 };
      const first = relu(channelAffine(batchNormalize(conv(x!, w!, same), 0.01).y, s!, b!));
      const second = channelAffine(batchNormalize(conv(first, v!, { ...same, pads: [0, 0] }), 0.01).y, t!, c!);
      return relu(add(second, first));
    },
  },
  "normalisation of batches alone": {
    inputs: { x: [3, 3, 6, 5], w: [12, 3, 3, 3] },
    build: ({ x, w }) =>
      batchNormalize(conv(x!, w!, { strides: [1, 1], pads: [1, 1], dilations: [1, 1], group: 1 }), 0.01).y,
  },
  "a scale alone": {
    inputs: { x: [3, 3, 6, 5], w: [12, 3, 3, 3], s: [12] },
    build: ({ x, w, s }) =>
      channelAffine(conv(x!, w!, { strides: [1, 1], pads: [1, 1], dilations: [1, 1], group: 1 }), s!),
  },
  "convolution, ReLU, pooling, join and sum": {
    inputs: { x: [2, 3, 12, 12], w: [16, 3, 3, 3], v: [32, 16, 3, 3], u: [16, 16, 1, 1] },
    build({ x, w, v, u }) {
      const same = { strides: [1, 1], pads: [1, 1], dilations: [1, 1], group: 1 };
      const square = { kernel: [2, 2], strides: [2, 2], pads: [[0, 0] as const, [0, 0] as const] };
      const first = maxPool(relu(conv(x!, w!, same)), square).y;
      const second = relu(conv(first, v!, same));
      const third = relu(add(first, conv(first, u!, { ...same, pads: [0, 0] })));
      return averagePool(concat([second, third, first], 1), square);
    },
  },
};

const isBias = (end: string) => end === "db" || end === "dc";

/** Sums of halves, so that maxima tie and every order of addition gives the same float. */
const feedsOf = (example: Example, dy: Value) => {
  const random = prng(11);
  const fill = (shape: readonly number[]) =>
    Float32Array.from({ length: count(shape) }, () => Math.round(random() * 8 - 4) / 2);
  const shapes = Object.entries(example.inputs);
  return Object.fromEntries([...shapes.map(([name, shape]) => [name, fill(shape)]), ["dy", fill(dy.type.shape)]]);
};

describe("the CPU's target", () => {
  let cpu: Target;
  before(async function () {
    cpu = await targetOf({ portable: false });
    if (cpu === portable) this.skip();
  });

  for (const [name, example] of Object.entries(examples)) {
    it(`computes what the portable one does: ${name}`, async () => {
      const inputs = Object.fromEntries(
        Object.entries(example.inputs).map(([leaf, shape]) => [leaf, input(leaf, float32(shape))]),
      );
      const y = example.build(inputs);
      const dy = input("dy", float32(y.type.shape));
      const leaves = Object.entries(inputs);
      const gradients = gradient(
        new Map([[y, dy]]),
        leaves.map(([, value]) => value),
      );
      const outputs = new Map([["y", y], ...leaves.map(([leaf], i) => [`d${leaf}`, gradients[i]!] as const)]);
      const feeds = feedsOf(example, dy);
      const [expected, actual] = [await run(portable, outputs, feeds), await run(cpu, outputs, feeds)];
      for (const end of outputs.keys()) {
        // The powers and roots of LRN are no sums of halves, nor are the means of planes that gradients of biases come from.
        const tolerance = name.startsWith("normalisation") || isBias(end) ? 1e-5 : 0;
        const most = expected[end]!.reduce((max, value, i) => Math.max(max, Math.abs(value - actual[end]![i]!)), 0);
        expect(actual[end]!.length, end).to.equal(expected[end]!.length);
        expect(most, end).to.be.at.most(tolerance);
      }
    });
  }

  it("uses each of its formulations in these examples", () => {
    const used = new Set<string>();
    const watched = formulations.map((formulation) => ({
      ...formulation,
      build(site: RewriteSite) {
        const built = formulation.build(site);
        if (built) used.add(formulation.name);
        return built;
      },
    }));
    for (const example of Object.values(examples)) {
      const inputs = Object.fromEntries(
        Object.entries(example.inputs).map(([leaf, shape]) => [leaf, input(leaf, float32(shape))]),
      );
      const y = example.build(inputs);
      const wrt = gradient(new Map([[y, input("dy", float32(y.type.shape))]]), Object.values(inputs));
      blockedGraph([y, ...wrt.map((value) => value!)], watched, 8);
    }
    expect([...used].sort()).to.deep.equal(formulations.map(({ name }) => name).sort());
  });

  it("does not change files for other runtimes: an emitted portable graph has only ONNX's own domain", async () => {
    const { inputs, build } = examples["whole blocks"]!;
    const y = build(
      Object.fromEntries(Object.entries(inputs).map(([leaf, shape]) => [leaf, input(leaf, float32(shape))])),
    );
    const text = async (target: Target) =>
      Buffer.from(emit({ name: "t", outputs: await formulated(new Map([["y", y]]), target) }).bytes).toString("latin1");
    expect(await text(portable)).to.not.include("com.microsoft");
    expect(await text(cpu)).to.include("com.microsoft.nchwc");
  });
});

async function run(target: Target, outputs: ReadonlyMap<string, Value>, feeds: Readonly<Record<string, Float32Array>>) {
  await using session = await openSession(emit({ name: "t", outputs: await formulated(outputs, target) }), {
    threads: 1,
  });
  // Awaited here: the session ends with this function.
  return await session.run(feeds, [...outputs.keys()]);
}
