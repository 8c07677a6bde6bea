import { expect } from "chai";
import type { Tensor } from "../../lib/api/net.js";
import { expectClose, noise, run } from "../support/forks.js";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

const hard = (x: number, slope: number, offset = 0.5) => Math.min(1, Math.max(0, slope * x + offset));

describe("activations of Caffe's forks, against their formulas", () => {
  for (const [type, of, settings = ""] of [
    ["HardSigmoid", (x: number) => hard(x, 0.2)],
    ["HardSigmoid", (x: number) => hard(x, 0.1, 0.25), "hardsigmoid_param { alpha: 0.1 beta: 0.25 }"],
    ["ReLU6", (x: number) => Math.min(x > 0 ? x : 0, 2), "relu6_param { threshold: 2 }"],
    ["ReLU6", (x: number) => Math.min(x > 0 ? x : 0.5 * x, 6), "relu6_param { negative_slope: 0.5 }"],
    ["HardSwish", (x: number) => x * hard(x, 1 / 6)],
    ["Mish", (x: number) => x * Math.tanh(Math.log1p(Math.exp(x)))],
    ["SELU", (x: number) => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * Math.expm1(x))],
  ] as const) {
    it(`${type} ${settings}`, async () => {
      const x = { shape: [9], data: Float32Array.of(-30, -4, -3, -2.5, -0.1, 0, 0.5, 2.9, 30) };
      const [y] = await run(`type: "${type}" ${settings}`, [x]);
      expectClose(
        y,
        [9],
        [...x.data].map((value) => of(value)),
      );
    });
  }
});

/** (x - mean) / sqrt(variance + eps) over runs of `size` entries. */
function normalized({ data }: Tensor, size: number, eps: number): readonly number[] {
  return [...data].map((value, i) => {
    const from = i - (i % size);
    const run = [...data.subarray(from, from + size)];
    const mean = run.reduce((sum, v) => sum + v, 0) / size;
    const variance = run.reduce((sum, v) => sum + (v - mean) ** 2, 0) / size;
    return (value - mean) / Math.sqrt(variance + eps);
  });
}

describe("normalizations of Caffe's forks, against plain loops", () => {
  const x = noise(3, [2, 6, 2, 3], -1, 3);
  for (const [layer, size, eps] of [
    [`type: "GroupNorm" group_norm_param { group_num: 3 }`, 12, 1e-5],
    [`type: "GroupNorm" group_norm_param { group_ratio: 2 eps: 0.1 }`, 18, 0.1],
    [`type: "InstanceNorm"`, 6, 1e-4],
    [`type: "LayerNorm"`, 36, 1e-5],
    [`type: "LayerNorm" layer_norm_param { eps: 0.5 }`, 36, 0.5],
  ] as const) {
    it(layer, async () => {
      const [y] = await run(layer, [x]);
      expectClose(y, x.shape, normalized(x, size, eps));
    });
  }

  it("GroupNorm refuses groups that do not divide the channels", () => {
    const text = `${inputLayer("x", 2, 6, 3)} layer { name: "g" type: "GroupNorm" bottom: "x" top: "y" }`;
    expect(refusal(text)).to.contain("group_num 32 does not divide the 6 channels");
  });
});

describe("groups of channels of Caffe's forks, against plain loops", () => {
  const x = noise(9, [2, 6, 2, 2]);
  const entry = (n: number, c: number, p: number) => x.data[(n * 6 + c) * 4 + p]!;
  const over = (channels: number, value: (n: number, c: number, p: number) => number) =>
    Array.from({ length: 2 * channels * 4 }, (_, i) =>
      value(Math.floor(i / (4 * channels)), Math.floor(i / 4) % channels, i % 4),
    );

  it("CReLU has positive parts, then those of negative entries", async () => {
    const [y] = await run(`type: "CReLU"`, [x]);
    const values = over(12, (n, c, p) => Math.max(0, c < 6 ? entry(n, c, p) : -entry(n, c - 6, p)));
    expectClose(y, [2, 12, 2, 2], values);
  });

  it("Maxout takes the greatest of each group of channels", async () => {
    const [y] = await run(`type: "Maxout" maxout_param { chgroup_sz: 3 }`, [x]);
    const values = over(2, (n, c, p) => Math.max(...[0, 1, 2].map((k) => entry(n, 3 * c + k, p))));
    expectClose(y, [2, 2, 2, 2], values);
    const text = `${inputLayer("x", 2, 6, 3)} layer { name: "g" type: "Maxout" bottom: "x" top: "y" maxout_param { chgroup_sz: 4 } }`;
    expect(refusal(text)).to.contain("chgroup_sz 4 does not divide the 6 channels");
  });

  it("SignedSqrt keeps the sign, and has a slope at 0", async () => {
    const [y] = await run(`type: "SignedSqrt"`, [x]);
    expectClose(
      y,
      x.shape,
      x.data.map((v) => Math.sign(v) * Math.sqrt(Math.abs(v))),
    );
    const text = `${inputLayer("x", 1, 2)} layer { name: "s" type: "SignedSqrt" bottom: "x" top: "y" }`;
    const shape = [1, 2];
    const ran = await runText(text, { x: tensor([0, -4], shape) }, { seeds: { y: tensor([1, 1], shape) } });
    expectClose({ net: ran.gradients["x"]! }, shape, [0.5 / 1e-5, 0.5 / (2 + 1e-5)]);
  });
});
