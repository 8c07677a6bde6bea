import { expect } from "chai";
import { expectClose, noise, run } from "../support/forks.js";
import { inputLayer, refusal } from "../support/net.js";

const SHAPE = [2, 3, 5, 6, 7] as const;
const x = noise(1, SHAPE);
const at = (n: number, c: number, l: number, h: number, w: number) => {
  const inside = l >= 0 && l < SHAPE[2] && h >= 0 && h < SHAPE[3] && w >= 0 && w < SHAPE[4];
  return inside ? x.data[(((n * SHAPE[1] + c) * SHAPE[2] + l) * SHAPE[3] + h) * SHAPE[4] + w]! : 0;
};

/** All values of a shape of 5 axes, by coordinates. */
function filled(
  shape: readonly number[],
  value: (...at: [number, number, number, number, number]) => number,
): number[] {
  const total = shape.reduce((a, b) => a * b, 1);
  return Array.from({ length: total }, (_, i) => {
    let rest = i;
    const place = [...shape].reverse().map((dim) => {
      const here = rest % dim;
      rest = Math.floor(rest / dim);
      return here;
    });
    return value(...(place.reverse() as [number, number, number, number, number]));
  });
}

/** Numbers of entries 0 to below n. */
const upTo = (n: number) => [...Array(n).keys()];

describe("layers of C3D, against plain loops", () => {
  it("Convolution3D has a kernel, a stride and a pad of its own for length", async () => {
    const [k, d] = [3, 2];
    const weights = [...noise(2, [4 * 3 * d * k * k]).data];
    const bias = [1, -1, 0.5, 2];
    const shape = [2, 4, 6, 3, 4];
    const value = (n: number, o: number, l: number, h: number, w: number) => {
      let sum = bias[o]!;
      for (const c of upTo(3))
        for (const a of upTo(d))
          for (const i of upTo(k))
            for (const j of upTo(k))
              sum +=
                weights[(((o * 3 + c) * d + a) * k + i) * k + j]! * at(n, c, l + a - 1, 2 * h + i - 1, 2 * w + j - 1);
      return sum;
    };
    const [y] = await run(
      `type: "Convolution3D" convolution_param { num_output: 4 kernel_size: 3 kernel_depth: 2 stride: 2 pad: 1 temporal_pad: 1 filter_group: 2 }`,
      [x],
      [weights, bias],
    );
    expectClose(y, shape, filled(shape, value));
  });

  it("Deconvolution3D spreads each entry over a kernel, with a stride and a pad of its own for length", async () => {
    const [k, d] = [4, 3];
    const weights = [...noise(3, [3 * 2 * d * k * k]).data];
    const bias = [0.5, -1];
    const shape = [2, 2, 9, 12, 14];
    const expected = filled(shape, (_, o) => bias[o]!);
    const add = (place: readonly number[], amount: number) => {
      if (place.some((here, i) => here < 0 || here >= shape[i]!)) return;
      const index = place.reduce((sum, here, i) => sum * shape[i]! + here, 0);
      expected[index] = expected[index]! + amount;
    };
    for (const n of upTo(2))
      for (const c of upTo(3))
        for (const l of upTo(5))
          for (const h of upTo(6))
            for (const w of upTo(7))
              for (const o of upTo(2))
                for (const a of upTo(d))
                  for (const i of upTo(k))
                    for (const j of upTo(k))
                      add(
                        [n, o, 2 * l + a - 1, 2 * h + i - 1, 2 * w + j - 1],
                        at(n, c, l, h, w) * weights[(((c * 2 + o) * d + a) * k + i) * k + j]!,
                      );
    const [y] = await run(
      `type: "Deconvolution3D" convolution_param { num_output: 2 kernel_size: 4 kernel_depth: 3 stride: 2 temporal_stride: 2 pad: 1 temporal_pad: 1 }`,
      [x],
      [weights, bias],
    );
    expectClose(y, shape, expected);
  });

  it("Pooling3D takes the maximum of windows, which may end beyond the blob", async () => {
    const shape = [2, 3, 2, 3, 4];
    const value = (n: number, c: number, l: number, h: number, w: number) => {
      const entries: number[] = [];
      for (const a of upTo(3))
        for (const i of upTo(2))
          for (const j of upTo(2))
            if (2 * l + a < 5 && 2 * h + i < 6 && 2 * w + j < 7)
              entries.push(at(n, c, 2 * l + a, 2 * h + i, 2 * w + j));
      return Math.max(...entries);
    };
    const [y] = await run(
      `type: "Pooling3D" pooling_param { kernel_size: 2 kernel_depth: 3 stride: 2 temporal_stride: 2 }`,
      [x],
    );
    expectClose(y, shape, filled(shape, value));
  });

  it("Pooling3D averages over what windows have of the padded blob", async () => {
    const shape = [2, 3, 4, 4, 4];
    const value = (n: number, c: number, l: number, h: number, w: number) => {
      let [sum, count] = [0, 0];
      for (const a of upTo(2))
        for (const i of upTo(3))
          for (const j of upTo(3)) {
            const [row, column] = [2 * h + i - 1, 2 * w + j - 1];
            if (l + a >= 5 || row >= 7 || column >= 8) continue;
            sum += at(n, c, l + a, row, column);
            count++;
          }
      return sum / count;
    };
    const [y] = await run(
      `type: "Pooling3D" pooling_param { pool: AVE kernel_size: 3 kernel_depth: 2 stride: 2 temporal_stride: 1 pad: 1 }`,
      [x],
    );
    expectClose(y, shape, filled(shape, value));
  });

  for (const [type, window] of [
    ["Pooling3D", "kernel_size: 3 kernel_depth: 2 stride: 2 temporal_stride: 2"],
    ["Pooling3D", "kernel_size: 3 kernel_l: 2 stride: 2 stride_l: 2"],
    ["NdPooling", "kernel_shape { dim: [2, 3, 3] } stride_shape { dim: 2 dim: 2 dim: 2 }"],
  ] as const)
    it(`${type} of ${window} has whole windows alone where sizes are rounded down`, async () => {
      const maximum = (n: number, c: number, l: number, h: number, w: number) => {
        const entries = upTo(2).flatMap((a) =>
          upTo(3).flatMap((i) => upTo(3).map((j) => at(n, c, 2 * l + a, 2 * h + i, 2 * w + j))),
        );
        return Math.max(...entries);
      };
      for (const down of ["ceil_mode: false", "round_mode: FLOOR"]) {
        const [y] = await run(`type: "${type}" pooling_param { ${window} ${down} }`, [x]);
        const shape = [2, 3, 2, 2, 3];
        expectClose(y, shape, filled(shape, maximum));
      }
      const [up] = await run(`type: "${type}" pooling_param { ${window} ceil_mode: true }`, [x]);
      expect(up!.net.shape).to.deep.equal([2, 3, 3, 3, 3]);
    });

  it("NdConvolution has a kernel, a stride and a pad for each axis, and groups", async () => {
    const weights = [...noise(3, [3 * 2 * 3 * 2]).data];
    const shape = [2, 3, 4, 6, 4];
    const value = (n: number, o: number, l: number, h: number, w: number) => {
      let sum = 0;
      for (const a of upTo(2))
        for (const i of upTo(3))
          for (const j of upTo(2))
            sum += weights[((o * 2 + a) * 3 + i) * 2 + j]! * at(n, o, l + a, h + i - 1, 2 * w + j - 1);
      return sum;
    };
    const param = "kernel_shape { dim: [2, 3, 2] } stride_shape { dim: [1, 1, 2] } pad_shape { dim: [0, 1, 1] }";
    const [y] = await run(
      `type: "NdConvolution" convolution_param { num_output: 3 group: 3 bias_term: false ${param} }`,
      [x],
      [weights],
    );
    expectClose(y, shape, filled(shape, value));
  });

  const over =
    (kernel: readonly number[], stride: readonly number[], pad: readonly number[], fold: (v: number[]) => number) =>
    (n: number, c: number, ...place: number[]) => {
      const entries: number[] = [];
      const [p, q, r] = place.map((i, k) => i * stride[k]! - pad[k]!) as [number, number, number];
      for (const a of upTo(kernel[0]!))
        for (const i of upTo(kernel[1]!))
          for (const j of upTo(kernel[2]!))
            if (p + a >= 0 && p + a < 5 && q + i >= 0 && q + i < 6 && r + j >= 0 && r + j < 7)
              entries.push(at(n, c, p + a, q + i, r + j));
      return fold(entries);
    };
  const sum = (v: number[]) => v.reduce((a, b) => a + b, 0);

  it("NdPooling takes maxima, and means over whole kernels", async () => {
    const shape = [2, 3, 5, 3, 4];
    const param = "kernel_shape { dim: [1, 2, 2] } stride_shape { dim: [1, 2, 2] }";
    const [y] = await run(`type: "NdPooling" pooling_param { ${param} }`, [x]);
    expectClose(
      y,
      shape,
      filled(
        shape,
        over([1, 2, 2], [1, 2, 2], [0, 0, 0], (v) => Math.max(...v)),
      ),
    );
    const padded = "pool: AVE kernel_shape { dim: [2, 3, 3] } pad_shape { dim: [1, 1, 1] }";
    const [z] = await run(`type: "NdPooling" pooling_param { ${padded} }`, [x]);
    const all = [2, 3, 6, 6, 7];
    expectClose(
      z,
      all,
      filled(
        all,
        over([2, 3, 3], [1, 1, 1], [1, 1, 1], (v) => sum(v) / 18),
      ),
    );
  });

  it("Pooling of 5 axes, Intel's, has the same window over each", async () => {
    const up = [2, 3, 3, 3, 4];
    const [y] = await run(`type: "Pooling" pooling_param { kernel_size: 2 stride: 2 }`, [x]);
    expectClose(
      y,
      up,
      filled(
        up,
        over([2, 2, 2], [2, 2, 2], [0, 0, 0], (v) => Math.max(...v)),
      ),
    );
    const down = [2, 3, 2, 3, 3];
    const [z] = await run(`type: "Pooling" pooling_param { pool: AVE kernel_size: 2 stride: 2 ceil_mode: false }`, [x]);
    expectClose(
      z,
      down,
      filled(
        down,
        over([2, 2, 2], [2, 2, 2], [0, 0, 0], (v) => sum(v) / v.length),
      ),
    );
    const [global] = await run(`type: "Pooling" pooling_param { pool: AVE global_pooling: true }`, [x]);
    expectClose(
      global,
      [2, 3, 1, 1, 1],
      filled(
        [2, 3, 1, 1, 1],
        over([5, 6, 7], [1, 1, 1], [0, 0, 0], (v) => sum(v) / 210),
      ),
    );
  });

  for (const [type, param, message] of [
    ["NdConvolution", "convolution_param { num_output: 2 kernel_size: 3 }", "kernel_shape is missing"],
    ["NdPooling", "pooling_param { kernel_shape { dim: 2 } }", "kernel_shape has 1 dims for 3 axes"],
    ["NdPooling", "pooling_param { kernel_shape { dim: [9, 9, 9] } }", "a window lies outside"],
    ["Convolution", "convolution_param { num_output: 2 kernel_shape { dim: 3 } }", "kernel_shape is for NdConvolution"],
    ["Convolution3D", "convolution_param { num_output: 2 kernel_size: 3 }", "kernel_size or kernel_depth is missing"],
    ["Pooling3D", "pooling_param { kernel_size: 2 }", "kernel_size or kernel_depth is missing"],
    ["Pooling3D", "pooling_param { kernel_size: 2 kernel_depth: 2 pad: 1 }", "padding is for AVE pooling only"],
    [
      "Pooling3D",
      "pooling_param { kernel_size: 2 kernel_depth: 2 pool: STOCHASTIC }",
      "STOCHASTIC pooling of three axes",
    ],
    ["Pooling3D", "pooling_param { kernel_size: 9 kernel_depth: 2 }", "a window lies outside"],
  ] as const) {
    it(`${type} refuses "${param}"`, () => {
      const layer = `layer { name: "l" type: "${type}" bottom: "x" top: "y" ${param} }`;
      expect(refusal(`${inputLayer("x", ...SHAPE)} ${layer}`)).to.contain(message);
    });
  }

  for (const [type, param, message] of [
    [
      "Convolution",
      "convolution_param { num_output: 2 kernel_size: 3 kernel_depth: 2 }",
      "kernel_depth is for Convolution3D",
    ],
    ["Pooling", "pooling_param { kernel_size: 2 temporal_stride: 2 }", "temporal_stride is for Pooling3D"],
    ["Pooling", "pooling_param { kernel_shape { dim: [2, 2] } }", "kernel_shape is for NdPooling"],
  ] as const) {
    it(`${type} does not pass over "${param}"`, () => {
      const layer = `layer { name: "l" type: "${type}" bottom: "x" top: "y" ${param} }`;
      expect(refusal(`${inputLayer("x", 1, 2, 6, 6)} ${layer}`)).to.contain(message);
    });
  }

  it("are for blobs of 5 axes", () => {
    const layer = `layer { name: "l" type: "Pooling3D" bottom: "x" top: "y" pooling_param { kernel_size: 2 kernel_depth: 2 } }`;
    expect(refusal(`${inputLayer("x", 1, 2, 4, 4)} ${layer}`)).to.contain("does not have 5 axes");
  });

  it("TemporalDuplicate repeats the bottom along a new first axis, as often as num says", async () => {
    const image = noise(9, [2, 3, 2]);
    const [y] = await run(`type: "TemporalDuplicate" duplicate_param { num: 3 }`, [image]);
    expectClose(y, [3, 2, 3, 2], [...image.data, ...image.data, ...image.data]);
    const [z] = await run(`type: "TemporalDuplicate"`, [image]);
    expectClose(z, [1, 2, 3, 2], [...image.data]);
    const layer = `layer { name: "l" type: "TemporalDuplicate" bottom: "x" top: "y" duplicate_param { num: 0 } }`;
    expect(refusal(inputLayer("x", 2) + layer)).to.contain("num 0 must be greater than 0");
  });
});
