import { expect } from "chai";
import type { Tensor } from "../../lib/api/net.js";
import { expectClose, noise, run } from "../support/forks.js";
import { inputLayer, refusal, runText } from "../support/net.js";

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

/** All coordinates of a shape, in row-major order. */
const coordinates = (shape: readonly number[]) =>
  shape.reduce<number[][]>((all, dim) => all.flatMap((place) => upTo(dim).map((i) => [...place, i])), [[]]);
const flat = (place: readonly number[], shape: readonly number[]) => place.reduce((a, p, i) => a * shape[i]! + p, 0);
/** A value of a tensor; undefined outside. */
const at = ({ shape, data }: Tensor, place: readonly number[]) =>
  place.every((p, i) => p >= 0 && p < shape[i]!) ? data[flat(place, shape)]! : undefined;

interface Windows {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
}

/** Pooled sizes, as the forks round them, up. */
const pooled = (size: readonly number[], { kernel, stride, dilation }: Windows) =>
  size.map((dim, i) => Math.ceil((dim - (kernel[i]! - 1) * dilation[i]! - 1) / stride[i]!) + 1);

/** Maxima of windows whose entries lie apart, and the places of the first of them. */
function maxima(x: Tensor, windows: Windows) {
  const size = x.shape.slice(2);
  const shape = [...x.shape.slice(0, 2), ...pooled(size, windows)];
  const found = coordinates(shape).map(([n, c, ...at0]) => {
    let best: { value: number; place: number } | undefined;
    for (const tap of coordinates(windows.kernel)) {
      const place = at0.map((p, i) => p * windows.stride[i]! + tap[i]! * windows.dilation[i]!);
      const value = at(x, [n!, c!, ...place]);
      if (value !== undefined && (!best || value > best.value)) best = { value, place: flat(place, size) };
    }
    return best!;
  });
  return { shape, found };
}

describe("windows whose entries lie apart, against plain loops", () => {
  const x = noise(1, [2, 2, 7, 8]);
  for (const [param, windows] of [
    ["kernel_size: 2 dilation: 2", { kernel: [2, 2], stride: [1, 1], dilation: [2, 2] }],
    ["kernel_size: 3 stride: 2 dilation: 2", { kernel: [3, 3], stride: [2, 2], dilation: [2, 2] }],
    [
      "kernel_h: 3 kernel_w: 2 stride_h: 1 stride_w: 3 dilation: 2 dilation: 3",
      { kernel: [3, 2], stride: [1, 3], dilation: [2, 3] },
    ],
    ["kernel_size: 2 kernel_size: 3 dilation: 1 dilation: 3", { kernel: [2, 3], stride: [1, 1], dilation: [1, 3] }],
    ["kernel_size: 2 kstride: 4", { kernel: [2, 2], stride: [1, 1], dilation: [4, 4] }],
    ["kernel_size: 2 kstride_h: 4 kstride_w: 3", { kernel: [2, 2], stride: [1, 1], dilation: [4, 3] }],
  ] as const) {
    it(`MAX, with their places: ${param}`, async () => {
      const { shape, found } = maxima(x, windows);
      const [y, mask] = await run(`type: "Pooling" pooling_param { ${param} }`, [x], [], 2);
      expectClose(
        y,
        shape,
        found.map(({ value }) => value),
        0,
      );
      expectClose(
        mask,
        shape,
        found.map(({ place }) => place),
        0,
      );
    });

    it(`AVE, over all that they span: ${param}`, async () => {
      const size = x.shape.slice(2);
      const shape = [2, 2, ...pooled(size, windows)];
      const values = coordinates(shape).map(([n, c, ...at0]) => {
        const sum = coordinates(windows.kernel).reduce((all, tap) => {
          const place = at0.map((p, i) => p * windows.stride[i]! + tap[i]! * windows.dilation[i]!);
          return all + (at(x, [n!, c!, ...place]) ?? 0);
        }, 0);
        const span = at0.map((p, i) => {
          const start = p * windows.stride[i]!;
          return Math.min(start + (windows.kernel[i]! - 1) * windows.dilation[i]! + 1, size[i]!) - start;
        });
        return sum / (span[0]! * span[1]!);
      });
      const [y] = await run(`type: "PoolingSK" pooling_param { pool: AVE ${param} }`, [x]);
      expectClose(y, shape, values, 1e-5);
    });
  }

  it("give the gradient to the first of equal maxima", async () => {
    const text = `${inputLayer("x", 1, 1, 3, 3)} layer { name: "l" type: "Pooling" bottom: "x" top: "y" pooling_param { kernel_size: 2 dilation: 2 } }`;
    const ones = { shape: [1, 1, 3, 3], data: new Float32Array(9).fill(1) };
    const { gradients } = await runText(text, { x: ones }, { seeds: { y: noise(3, [1, 1, 1, 1], 2, 2) } });
    expect([...gradients["x"]!.data]).to.deep.equal([2, 0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it("of a convolution are its dilation", async () => {
    const conv = (type: string, param: string) =>
      run(
        `type: "${type}" convolution_param { num_output: 2 kernel_size: 2 bias_term: false ${param} }`,
        [x],
        [[...noise(4, [16]).data]],
      );
    const [expected] = await conv("Convolution", "dilation: 3");
    const [y] = await conv("ConvolutionSK", "kstride: 3");
    expectClose(y, expected!.net.shape, expected!.net.data, 1e-6);
    const [two] = await conv("Convolution", "kstride_h: 2 kstride_w: 4");
    expect(two!.net.shape).to.deep.equal([2, 2, 5, 4]);
  });

  it("are refused with pads, and over more than the bottom", () => {
    const text = (param: string) =>
      `${inputLayer("x", 1, 1, 4, 4)} layer { name: "l" type: "Pooling" bottom: "x" top: "y" pooling_param { ${param} } }`;
    expect(refusal(text("kernel_size: 2 dilation: 2 pad: 1"))).to.contain("with pads the fork takes other entries");
    expect(refusal(text("kernel_size: 3 dilation: 5"))).to.contain("a window lies outside");
    expect(refusal(text("kernel_size: 2 dilation: 2 pool: STOCHASTIC"))).to.contain("has no dilation");
    expect(refusal(text("kernel_size: 2 dilation: 2 dilation: 1 dilation: 1"))).to.contain("has 3 dims for 2 axes");
  });
});

describe("windows of three axes with a depth, against plain loops", () => {
  const x = noise(5, [2, 2, 5, 6, 4]);

  it("Convolution has kernel_d, stride_d and pad_d after height and width", async () => {
    const [kernel, stride, pad] = [
      [3, 2, 2],
      [2, 1, 3],
      [1, 0, 1],
    ] as const;
    const weights = noise(6, [3, 2, ...kernel]);
    const shape = [2, 3, 3, 5, 2];
    const values = coordinates(shape).map(([n, o, ...at0]) =>
      coordinates([2, ...kernel]).reduce((sum, [c, ...tap]) => {
        const place = at0.map((p, i) => p * stride[i]! + tap[i]! - pad[i]!);
        return sum + (at(x, [n!, c!, ...place]) ?? 0) * at(weights, [o!, c!, ...tap])!;
      }, 0),
    );
    const param = `num_output: 3 bias_term: false kernel_h: 3 kernel_w: 2 kernel_d: 2 stride_h: 2 stride_w: 1 stride_d: 3
      pad_h: 1 pad_w: 0 pad_d: 1`;
    const [y] = await run(`type: "Convolution" convolution_param { ${param} }`, [x], [[...weights.data]]);
    expectClose(y, shape, values, 3e-5);
  });

  for (const [param, windows] of [
    [
      "kernel_h: 2 kernel_w: 3 kernel_d: 2 stride_h: 2 stride_w: 3 stride_d: 2",
      { kernel: [2, 3, 2], stride: [2, 3, 2], dilation: [1, 1, 1] },
    ],
    [
      "kernel_h: 2 kernel_w: 2 kernel_d: 2 kstride_h: 2 kstride_w: 3 kstride_d: 1",
      { kernel: [2, 2, 2], stride: [1, 1, 1], dilation: [2, 3, 1] },
    ],
    [
      "kernel_size: 2 kernel_size: 2 kernel_size: 2 dilation: 1 dilation: 2 dilation: 3",
      { kernel: [2, 2, 2], stride: [1, 1, 1], dilation: [1, 2, 3] },
    ],
    ["kernel_size: 2 dilation: 2", { kernel: [2, 2, 2], stride: [1, 1, 1], dilation: [2, 2, 2] }],
  ] as const)
    it(`Pooling has them: ${param}`, async () => {
      const { shape, found } = maxima(x, windows);
      const [y] = await run(`type: "Pooling" pooling_param { ${param} }`, [x]);
      expectClose(
        y,
        shape,
        found.map(({ value }) => value),
        0,
      );
    });

  it("refuses them in means, and in layers that have other windows", () => {
    const of = (type: string, param: string) =>
      refusal(`${inputLayer("x", 1, 2, 4, 4, 4)} layer { name: "l" type: "${type}" bottom: "x" top: "y" ${param} }`);
    const depth = "kernel_h: 2 kernel_w: 2 kernel_d: 2";
    const behind = "kernel_shape { dim: [1, 1, 1] } stride_shape { dim: [1, 1, 5] }";
    expect(of("NdPooling", `pooling_param { ${behind} }`)).to.contain(
      "a window lies outside of the 4 entries of axis 4",
    );
    expect(of("Pooling", `pooling_param { pool: AVE ${depth} }`)).to.contain("kernel_d is for MAX pooling");
    expect(of("Pooling", "pooling_param { pool: AVE kernel_size: 2 dilation: 2 }")).to.contain(
      "is for blobs of 4 axes",
    );
    for (const field of ["kernel_d", "stride_d", "pad_d", "kstride", "kstride_h", "kstride_w", "kstride_d"]) {
      const nd = `kernel_shape { dim: [2, 2, 2] } ${field}: 2`;
      expect(of("NdPooling", `pooling_param { ${nd} }`)).to.contain(`NdPooling layers have no ${field}`);
      expect(of("Pooling3D", `pooling_param { kernel_size: 2 kernel_depth: 2 ${field}: 2 }`)).to.contain(
        `Pooling3D layers have no ${field}`,
      );
      for (const type of ["Convolution3D", "NdConvolution", "Deconvolution3D"]) {
        const size = type === "NdConvolution" ? "kernel_shape { dim: [2, 2, 2] }" : "kernel_size: 2 kernel_depth: 2";
        expect(of(type, `convolution_param { num_output: 1 ${size} ${field}: 2 }`)).to.contain(
          `${field} is for Convolution and Deconvolution layers`,
        );
      }
    }
  });
});
