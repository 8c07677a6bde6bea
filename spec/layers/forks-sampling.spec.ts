import { expectClose, filled, noise, places, run } from "../support/forks.js";
import { expect } from "chai";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

const [N, C, H, W] = [2, 4, 5, 6] as const;
const x = noise(1, [N, C, H, W]);
const entry = (n: number, c: number, h: number, w: number) =>
  h >= 0 && h < H && w >= 0 && w < W ? x.data[((n * C + c) * H + h) * W + w]! : 0;

describe("SpatialTransformer, against plain loops", () => {
  const sample = (n: number, c: number, row: number, column: number) => {
    let sum = 0;
    for (const m of [Math.floor(row), Math.floor(row) + 1])
      for (const k of [Math.floor(column), Math.floor(column) + 1])
        sum += Math.max(0, 1 - Math.abs(row - m)) * Math.max(0, 1 - Math.abs(column - k)) * entry(n, c, m, k);
    return sum;
  };
  const transformed = (theta: (n: number) => readonly number[], h: number, w: number) =>
    filled([N, C, h, w], (n, c, i, j) => {
      const t = theta(n);
      const [u, v] = [(i / h) * 2 - 1, (j / w) * 2 - 1];
      const [p, q] = [t[0]! * u + t[1]! * v + t[2]!, t[3]! * u + t[4]! * v + t[5]!];
      return sample(n, c, ((p + 1) / 2) * H, ((q + 1) / 2) * W);
    });

  it("reads at places that six numbers give, 0 outside, at the size that it says", async () => {
    const theta = noise(2, [N, 6]);
    const [y] = await run(`type: "SpatialTransformer" st_param { output_H: 3 output_W: 4 }`, [x, theta]);
    expectClose(
      y,
      [N, C, 3, 4],
      transformed((n) => [...theta.data.subarray(6 * n, 6 * n + 6)], 3, 4),
    );
  });

  it("takes numbers of its own for those that are not in the second bottom", async () => {
    const theta = noise(3, [N, 2]);
    const own = "theta_1_1: 0.7 theta_1_2: 0.1 theta_2_1: 0 theta_2_2: 0.9";
    const [y] = await run(`type: "SpatialTransformer" st_param { ${own} }`, [x, theta]);
    const all = (n: number) => [0.7, 0.1, theta.data[2 * n]!, 0, 0.9, theta.data[2 * n + 1]!];
    expectClose(y, [N, C, H, W], transformed(all, H, W));
  });

  it("has the authors' slope on an entry, and none to x with to_compute_dU: false", async () => {
    const text = (param: string) => `${inputLayer("x", 1, 1, 2, 2)}${inputLayer("t", 1, 6)}
      layer { name: "l" type: "SpatialTransformer" bottom: "x" bottom: "t" top: "y" st_param { ${param} } }`;
    const inputs = { x: tensor([1, 2, 3, 5], [1, 1, 2, 2]), t: tensor([1, 0, 0, 0, 1, 0], [1, 6]) };
    const seeds = { y: tensor([0, 0, 0, 1], [1, 1, 2, 2]) };
    const ran = await runText(text("to_compute_dU: false"), inputs, { seeds });
    // The last place is (1, 1), u = v = 0: each slope is x itself there, times half a side of 2.
    expectClose({ net: ran.gradients["t"]! }, [1, 6], [0, 0, 5, 0, 0, 5]);
    expect([...ran.gradients["x"]!.data]).to.deep.equal([0, 0, 0, 0]);
  });

  it("refuses numbers that are neither given nor there", () => {
    const text = `${inputLayer("x", 2, 3, 4, 4)}${inputLayer("t", 2, 5)} layer { name: "l" type: "SpatialTransformer" bottom: "x" bottom: "t" top: "y" }`;
    expect(refusal(text)).to.contain("is not [2,6], the numbers that the layer does not give");
  });
});

describe("DeformableConvolution, against plain loops", () => {
  const [KH, KW, GROUPS, OUT] = [2, 3, 2, 2];
  const size = [3, 2];
  const offsets = noise(4, [N, 2 * GROUPS * KH * KW, 3, 2], -2, 2);
  const weights = [...noise(5, [OUT * (C / 2) * KH * KW]).data];
  const bias = [0.5, -1];

  const read = (n: number, c: number, row: number, column: number) => {
    if (!(row >= 0 && column >= 0 && row < H && column < W)) return 0;
    const axis = (v: number, dim: number) => {
      const low = Math.floor(v);
      return low >= dim - 1 ? { low: dim - 1, high: dim - 1, part: 0 } : { low, high: low + 1, part: v - low };
    };
    const [i, j] = [axis(row, H), axis(column, W)];
    return (
      (1 - i.part) * ((1 - j.part) * entry(n, c, i.low, j.low) + j.part * entry(n, c, i.low, j.high)) +
      i.part * ((1 - j.part) * entry(n, c, i.high, j.low) + j.part * entry(n, c, i.high, j.high))
    );
  };

  /** Among zeros outside, as the second version reads. */
  const readAmongZeros = (n: number, c: number, row: number, column: number) => {
    const at = (r: number, k: number) => (r >= 0 && k >= 0 && r < H && k < W ? entry(n, c, r, k) : 0);
    const [i, j] = [Math.floor(row), Math.floor(column)];
    const [a, b] = [row - i, column - j];
    return (1 - a) * ((1 - b) * at(i, j) + b * at(i, j + 1)) + a * ((1 - b) * at(i + 1, j) + b * at(i + 1, j + 1));
  };
  const masks = noise(6, [N, GROUPS * KH * KW, 3, 2], 0, 1);

  /** The top, by what is read at a place, and by a factor of each entry of a window. */
  const loops = (of: typeof read, factor: (n: number, tap: number, h: number, w: number) => number) => {
    const offset = (n: number, k: number, h: number, w: number) =>
      offsets.data[((n * 2 * GROUPS * KH * KW + k) * size[0]! + h) * size[1]! + w]!;
    const shape = [N, OUT, ...size];
    return Array.from(places(shape), ([n, o, h, w]) => {
      let sum = bias[o]!;
      for (let k = 0; k < C / 2; k++)
        for (let i = 0; i < KH; i++)
          for (let j = 0; j < KW; j++) {
            // Two groups of the convolution, and two of the offsets.
            const c = o * (C / 2) + k;
            const tap = Math.floor(c / (C / GROUPS)) * KH * KW + i * KW + j;
            const row = h * 2 - 1 + i * 2 + offset(n, 2 * tap, h, w);
            const column = w * 3 - 1 + j * 2 + offset(n, 2 * tap + 1, h, w);
            sum += weights[((o * (C / 2) + k) * KH + i) * KW + j]! * of(n, c, row, column) * factor(n, tap, h, w);
          }
      return sum;
    });
  };
  const param = `num_output: ${OUT} kernel_h: ${KH} kernel_w: ${KW} stride_h: 2 stride_w: 3 pad: 1 dilation: 2 group: 2 deformable_group: ${GROUPS}`;

  it("reads each entry of its windows at a place of its own", async () => {
    const [y] = await run(
      `type: "DeformableConvolution" deformable_convolution_param { ${param} }`,
      [x, offsets],
      [weights, bias],
    );
    expectClose(
      y,
      [N, OUT, ...size],
      loops(read, () => 1),
    );
  });

  it("of the second version multiplies each by a mask, and reads among zeros", async () => {
    const factor = (n: number, tap: number, h: number, w: number) =>
      masks.data[((n * GROUPS * KH * KW + tap) * size[0]! + h) * size[1]! + w]!;
    const [y] = await run(
      `type: "ModulatedDeformableConvolution" modulated_deformable_convolution_param { ${param} }`,
      [x, offsets, masks],
      [weights, bias],
    );
    expectClose(y, [N, OUT, ...size], loops(readAmongZeros, factor));
    const bottoms = `bottom: "x" bottom: "o" bottom: "m"`;
    const text = `${inputLayer("x", 1, 4, 5, 5)}${inputLayer("o", 1, 18, 5, 5)}${inputLayer("m", 1, 18, 5, 5)}
      layer { name: "l" type: "ModulatedDeformableConvolution" ${bottoms} top: "y"
      modulated_deformable_convolution_param { num_output: 4 kernel_size: 3 pad: 1 } }`;
    expect(refusal(text)).to.contain("the mask, is not [1,9,5,5]");
  });

  it("refuses offsets of another shape", () => {
    const text = `${inputLayer("x", 1, 4, 5, 5)}${inputLayer("o", 1, 18, 5, 5)} layer { name: "l" type: "DeformableConvolution" bottom: "x" bottom: "o" top: "y"
      deformable_convolution_param { num_output: 4 kernel_size: 3 pad: 1 } }`;
    expect(refusal(text)).to.contain("the offsets, is not [1,72,5,5]");
  });
});
