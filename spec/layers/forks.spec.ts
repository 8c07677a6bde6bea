import { expect } from "chai";
import { Net, type Tensor } from "../../lib/api/net.js";
import { at, expectClose, filled, noise, places, run } from "../support/forks.js";
import { inputLayer } from "../support/net.js";

describe("layers of Caffe's forks, against plain loops", () => {
  it("Permute moves axes", async () => {
    const x = noise(1, [2, 3, 4, 5]);
    const [y] = await run(`type: "Permute" permute_param { order: 0 order: 2 order: 3 order: 1 }`, [x]);
    expectClose(
      y,
      [2, 4, 5, 3],
      filled([2, 4, 5, 3], (n, h, w, c) => at(x)(n, c, h, w)),
    );
  });

  it("Normalize divides by the norm over channels", async () => {
    const x = noise(2, [2, 3, 2, 2]);
    const norm = (n: number, h: number, w: number) => Math.hypot(...[0, 1, 2].map((c) => at(x)(n, c, h, w)));
    const [y] = await run(
      `type: "Normalize" norm_param { across_spatial: false channel_shared: false }`,
      [x],
      [[2, 3, 4]],
    );
    expectClose(
      y,
      x.shape,
      filled(x.shape, (n, c, h, w) => ((c + 2) * at(x)(n, c, h, w)) / norm(n, h, w)),
    );
  });

  it("Normalize divides by the norm of a whole item", async () => {
    const x = noise(3, [2, 3, 2, 2]);
    const norm = (n: number) => Math.hypot(...x.data.slice(n * 12, (n + 1) * 12));
    const [y] = await run(`type: "Normalize" norm_param { across_spatial: true }`, [x], [[20]]);
    expectClose(
      y,
      x.shape,
      filled(x.shape, (n, c, h, w) => (20 * at(x)(n, c, h, w)) / norm(n)),
    );
  });

  it("Normalize takes rows as well, and a scale for each channel of a whole item", async () => {
    const rows = noise(3, [2, 3]);
    const [y] = await run(`type: "Normalize" norm_param { across_spatial: false eps: 0.5 }`, [rows], [[2]]);
    const length = (n: number) => Math.sqrt(0.5 + rows.data.slice(3 * n, 3 * n + 3).reduce((sum, v) => sum + v * v, 0));
    expectClose(
      y,
      [2, 3],
      rows.data.map((v, i) => (2 * v) / length(Math.floor(i / 3))),
    );
    const x = noise(3, [2, 3, 2, 2]);
    const norm = (n: number) => Math.hypot(...x.data.slice(n * 12, (n + 1) * 12));
    const [z] = await run(`type: "Normalize" norm_param { channel_shared: false }`, [x], [[20, 30, 40]]);
    expectClose(
      z,
      x.shape,
      filled(x.shape, (n, c, h, w) => ((20 + 10 * c) * at(x)(n, c, h, w)) / norm(n)),
    );
  });

  it("PriorBox lays boxes of each size and aspect ratio over the cells", async () => {
    const [y] = await run(
      `type: "PriorBox" prior_box_param { min_size: 4 max_size: 9 aspect_ratio: 4 clip: true variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2 }`,
      [noise(1, [1, 2, 1, 2]), noise(1, [1, 3, 10, 20])],
    );
    // Cell (0, 0) has its centre at (5, 5); sides 4x4, 6x6, 8x2 and 2x8.
    const first = [3, 3, 7, 7, 2, 2, 8, 8, 1, 4, 9, 6, 4, 1, 6, 9].map((v, i) => v / (i % 2 === 0 ? 20 : 10));
    const second = [13, 3, 17, 7, 12, 2, 18, 8, 11, 4, 19, 6, 14, 1, 16, 9].map((v, i) => v / (i % 2 === 0 ? 20 : 10));
    const variances = Array.from({ length: 32 }, (_, i) => (i % 4 < 2 ? 0.1 : 0.2));
    expectClose(y, [1, 2, 32], [...first, ...second, ...variances]);
  });

  for (const param of [
    "min_size: 4 max_size: 9 aspect_ratio: 2 aspect_ratio: 3 flip: false offset: 0.25",
    "min_size: 3 min_size: 5 max_size: 6 max_size: 8 aspect_ratio: 2 clip: true step: 7 variance: 0.3",
    "min_size: 35.84 max_size: 76.8 aspect_ratio: 2 aspect_ratio: 0.5 aspect_ratio: 1 step_h: 4 step_w: 6 img_h: 30 img_w: 50",
    "min_size: 6 aspect_ratio: 2 img_size: 40 variance: 0.1 variance: 0.2 variance: 0.3 variance: 0.4",
  ]) {
    it(`PriorBox with ${param}`, async () => {
      const [h, w] = [2, 3];
      const numbers = (name: string) =>
        [...param.matchAll(new RegExp(`\\b${name}: ([\\d.]+)`, "g"))].map(([, v]) => Number(v));
      const one = (name: string, otherwise: number) => numbers(name)[0] ?? otherwise;
      const [imageH, imageW] = [one("img_h", one("img_size", 20)), one("img_w", one("img_size", 24))];
      const [stepH, stepW] = [one("step_h", one("step", imageH / h)), one("step_w", one("step", imageW / w))];
      const ratios = [1];
      for (const ratio of numbers("aspect_ratio")) {
        if (ratios.some((known) => Math.abs(known - ratio) < 1e-6)) continue;
        ratios.push(ratio, ...(param.includes("flip: false") ? [] : [1 / ratio]));
      }
      const boxes: number[] = [];
      const put = (cx: number, cy: number, bw: number, bh: number) => {
        const corners = [
          (cx - bw / 2) / imageW,
          (cy - bh / 2) / imageH,
          (cx + bw / 2) / imageW,
          (cy + bh / 2) / imageH,
        ];
        boxes.push(...corners.map((v) => (param.includes("clip: true") ? Math.min(1, Math.max(0, v)) : v)));
      };
      for (let i = 0; i < h; i++)
        for (let j = 0; j < w; j++) {
          const [cx, cy] = [(j + one("offset", 0.5)) * stepW, (i + one("offset", 0.5)) * stepH];
          numbers("min_size").forEach((size, k) => {
            // SSD's Caffe has the sizes in ints.
            const least = Math.trunc(size);
            put(cx, cy, least, least);
            const most = numbers("max_size")[k];
            if (most !== undefined) {
              const middle = Math.sqrt(least * Math.trunc(most));
              put(cx, cy, middle, middle);
            }
            for (const ratio of ratios.slice(1)) put(cx, cy, least * Math.sqrt(ratio), least / Math.sqrt(ratio));
          });
        }
      const given = numbers("variance");
      const variances = boxes.map((_, i) => (given.length === 4 ? given[i % 4]! : (given[0] ?? 0.1)));
      const [y] = await run(`type: "PriorBox" prior_box_param { ${param} }`, [
        noise(1, [2, 2, h, w]),
        noise(1, [2, 3, 20, 24]),
      ]);
      expectClose(y, [1, 2, boxes.length], [...boxes, ...variances]);
    });
  }

  it("ROIPooling takes the maximum of each cell of a box", async () => {
    const x = noise(4, [2, 2, 6, 8]);
    // The last one lies half outside, so that some cells are empty; old prototxts have boxes of four axes.
    const rois = {
      shape: [4, 5, 1, 1],
      data: Float32Array.of(0, 0, 0, 14, 10, 1, 3, 4, 9, 7, 1, 5, 5, 4, 4, 0, 13, -9, 29, 6),
    };
    const [y] = await run(`type: "ROIPooling" roi_pooling_param { pooled_h: 2 pooled_w: 3 spatial_scale: 0.5 }`, [
      x,
      rois,
    ]);
    const cell = (r: number, c: number, i: number, j: number) => {
      const [item, x1, y1, x2, y2] = [...rois.data.slice(5 * r, 5 * r + 5)].map((v, k) =>
        k === 0 ? v : Math.sign(v) * Math.round(Math.abs(v * 0.5)),
      ) as [number, number, number, number, number];
      const [bh, bw] = [Math.max(1, y2 - y1 + 1) / 2, Math.max(1, x2 - x1 + 1) / 3];
      let best = Number.NEGATIVE_INFINITY;
      for (let h = Math.max(0, y1 + Math.floor(i * bh)); h < Math.min(6, y1 + Math.ceil((i + 1) * bh)); h++)
        for (let w = Math.max(0, x1 + Math.floor(j * bw)); w < Math.min(8, x1 + Math.ceil((j + 1) * bw)); w++)
          best = Math.max(best, at(x)(item, c, h, w));
      return best === Number.NEGATIVE_INFINITY ? 0 : best;
    };
    expectClose(y, [4, 2, 2, 3], filled([4, 2, 2, 3], cell));
    // Of longer rows the authors' code reads the first five numbers.
    const long = Float32Array.from({ length: 28 }, (_, i) =>
      i % 7 < 5 ? rois.data[5 * Math.floor(i / 7) + (i % 7)]! : 9,
    );
    const [same] = await run(`type: "ROIPooling" roi_pooling_param { pooled_h: 2 pooled_w: 3 spatial_scale: 0.5 }`, [
      x,
      { shape: [4, 7, 1, 1], data: long },
    ]);
    expectClose(same, [4, 2, 2, 3], filled([4, 2, 2, 3], cell));
  });

  it("PSROIPooling averages a channel of its own for each cell", async () => {
    const [g, dims] = [2, 3];
    const x = noise(5, [3, dims * g * g, 7, 9]);
    const rois = {
      shape: [4, 5],
      data: Float32Array.of(0, 0, 0, 30, 20, 2, 5, 6, 9, 7, 1, 28, 20, 60, 60, 2, -7.5, -2.5, 11, 3),
    };
    const [y] = await run(
      `type: "PSROIPooling" psroi_pooling_param { output_dim: 3 group_size: 2 spatial_scale: 0.25 }`,
      [x, rois],
    );
    const cell = (r: number, c: number, i: number, j: number) => {
      const item = rois.data[5 * r]!;
      const rounded = (v: number) => Math.sign(v) * Math.round(Math.abs(v));
      const [x1, y1, x2, y2] = [...rois.data.slice(5 * r + 1, 5 * r + 5)].map(rounded) as [
        number,
        number,
        number,
        number,
      ];
      const range = (from: number, to: number, k: number, size: number) => {
        const start = from * 0.25;
        const step = Math.max((to + 1) * 0.25 - start, 0.1) / g;
        const clamp = (v: number) => Math.min(size, Math.max(0, v));
        return [clamp(Math.floor(start + k * step)), clamp(Math.ceil(start + (k + 1) * step))] as const;
      };
      const [h0, h1] = range(y1, y2, i, 7);
      const [w0, w1] = range(x1, x2, j, 9);
      let sum = 0;
      for (let h = h0; h < h1; h++) for (let w = w0; w < w1; w++) sum += at(x)(item, (c * g + i) * g + j, h, w);
      return h1 > h0 && w1 > w0 ? sum / ((h1 - h0) * (w1 - w0)) : 0;
    };
    expectClose(y, [4, dims, g, g], filled([4, dims, g, g], cell));
  });

  it("ShuffleChannel deals channels out to the groups", async () => {
    const x = noise(9, [2, 6, 2, 2]);
    const [y] = await run(`type: "ShuffleChannel" shuffle_channel_param { group: 3 }`, [x]);
    expectClose(
      y,
      x.shape,
      filled(x.shape, (n, c, h, w) => at(x)(n, (c % 3) * 2 + Math.floor(c / 3), h, w)),
    );
  });

  it("Axpy scales channels and adds", async () => {
    const [a, x, y] = [noise(10, [2, 3, 1, 1]), noise(11, [2, 3, 2, 2]), noise(12, [2, 3, 2, 2])];
    const [z] = await run(`type: "Axpy"`, [a, x, y]);
    expectClose(
      z,
      x.shape,
      filled(x.shape, (n, c, h, w) => a.data[n * 3 + c]! * at(x)(n, c, h, w) + at(y)(n, c, h, w)),
    );
  });

  it("ReLU6 keeps values within 0 and 6", async () => {
    const [y] = await run(`type: "ReLU6"`, [{ shape: [5], data: Float32Array.of(-1, 0, 3, 6, 7) }]);
    expectClose(y, [5], [0, 0, 3, 6, 6]);
  });

  it("depthwise convolutions are convolutions with a group a channel", async () => {
    const x = noise(13, [1, 3, 4, 4]);
    const weights = [...noise(14, [27]).data];
    for (const type of ["ConvolutionDepthwise", "DepthwiseConvolution"]) {
      const [y] = await run(
        `type: "${type}" convolution_param { num_output: 3 kernel_size: 3 bias_term: false }`,
        [x],
        [weights],
      );
      const value = (n: number, c: number, h: number, w: number) => {
        let sum = 0;
        for (let i = 0; i < 3; i++)
          for (let j = 0; j < 3; j++) sum += weights[c * 9 + i * 3 + j]! * at(x)(n, c, h + i, w + j);
        return sum;
      };
      expectClose(y, [1, 3, 2, 2], filled([1, 3, 2, 2], value));
    }
  });

  it("depthwise convolutions take strides, pads, dilations and biases, whatever group says", async () => {
    const x = noise(13, [2, 3, 7, 6]);
    const [weights, bias] = [[...noise(14, [27]).data], [1, -2, 3]];
    for (const type of ["ConvolutionDepthwise", "DepthwiseConvolution"]) {
      const [y] = await run(
        `type: "${type}" convolution_param { num_output: 3 kernel_size: 3 stride: 2 pad: 2 dilation: 2 group: 1 }`,
        [x],
        [weights, bias],
      );
      const value = (n: number, c: number, h: number, w: number) => {
        let sum = bias[c]!;
        for (let i = 0; i < 3; i++)
          for (let j = 0; j < 3; j++) {
            const [row, column] = [2 * h - 2 + 2 * i, 2 * w - 2 + 2 * j];
            if (row >= 0 && row < 7 && column >= 0 && column < 6)
              sum += weights[c * 9 + i * 3 + j]! * at(x)(n, c, row, column);
          }
        return sum;
      };
      expectClose(y, [2, 3, 4, 3], filled([2, 3, 4, 3], value));
    }
  });

  it("BN scales and shifts as SegNet merged it, or by statistics of its own", async () => {
    const x = noise(15, [2, 2, 3, 3]);
    const [merged] = await run(
      `type: "BN" bn_param { bn_mode: INFERENCE }`,
      [x],
      [
        [2, 3],
        [0.5, -1],
      ],
    );
    expectClose(
      merged,
      x.shape,
      filled(x.shape, (n, c, h, w) => at(x)(n, c, h, w) * [2, 3][c]! + [0.5, -1][c]!),
    );
    const [y] = await run(
      `type: "BN" bn_param { eps: 0.01 }`,
      [x],
      [
        [2, 3],
        [0.5, -1],
        [0.1, 0.2],
        [4, 0.25],
      ],
    );
    const deviation = [Math.sqrt(4.01), Math.sqrt(0.26)];
    expectClose(
      y,
      x.shape,
      filled(
        x.shape,
        (n, c, h, w) => ([2, 3][c]! * (at(x)(n, c, h, w) - [0.1, 0.2][c]!)) / deviation[c]! + [0.5, -1][c]!,
      ),
    );
  });

  it("BN of SegNet normalises by the batch as long as it learns", async () => {
    const x = noise(15, [2, 2, 3, 3], 2, 5);
    const of = (c: number) => [...places(x.shape)].flatMap(([n, k, h, w]) => (k === c ? [at(x)(n, k, h, w)] : []));
    const mean = [0, 1].map((c) => of(c).reduce((sum, v) => sum + v, 0) / 18);
    const variance = [0, 1].map((c) => of(c).reduce((sum, v) => sum + (v - mean[c]!) ** 2, 0) / 18);
    const [y] = await run(
      `type: "BN" bn_param { scale_filler { type: "constant" value: 1 } shift_filler { type: "constant" } }`,
      [x],
      [
        [2, 3],
        [0.5, -1],
      ],
    );
    const value = (n: number, c: number, h: number, w: number) =>
      ([2, 3][c]! * (at(x)(n, c, h, w) - mean[c]!)) / Math.sqrt(variance[c]! + 1e-9) + [0.5, -1][c]!;
    expectClose(y, x.shape, filled(x.shape, value));
  });

  it("BN with statistics of its own trains by the batch's, which the running ones follow", async () => {
    const x = noise(15, [2, 2, 3, 3], 2, 5);
    const of = (c: number) => [...places(x.shape)].flatMap(([n, k, h, w]) => (k === c ? [at(x)(n, k, h, w)] : []));
    const mean = [0, 1].map((c) => of(c).reduce((sum, v) => sum + v, 0) / 18);
    const variance = [0, 1].map((c) => of(c).reduce((sum, v) => sum + (v - mean[c]!) ** 2, 0) / 18);
    const text = `${inputLayer("x", 2, 2, 3, 3)} layer { name: "l" type: "BN" bottom: "x" top: "y" bn_param { momentum: 0.75 eps: 0.01 } }`;
    await using net = await Net.load(text, { name: "net", phase: "TRAIN" });
    const blobs = [
      [2, 3],
      [0.5, -1],
      [0.1, 0.2],
      [4, 0.25],
    ];
    blobs.forEach((values, i) => {
      net.params.get("l")![i]!.data.set(values);
    });
    const { y } = await net.forward({ x });
    const value = (n: number, c: number, h: number, w: number) =>
      ([2, 3][c]! * (at(x)(n, c, h, w) - mean[c]!)) / Math.sqrt(variance[c]! + 0.01) + [0.5, -1][c]!;
    expectClose({ net: y! }, x.shape, filled(x.shape, value));
    const after = net.params.get("l")!.map(({ data }) => [...data]);
    expect(after.slice(0, 2)).to.deep.equal(blobs.slice(0, 2));
    for (const c of [0, 1]) {
      expect(after[2]![c]).to.be.closeTo(0.75 * [0.1, 0.2][c]! + 0.25 * mean[c]!, 1e-5);
      expect(after[3]![c]).to.be.closeTo(0.75 * [4, 0.25][c]! + 0.25 * variance[c]!, 1e-5);
    }
  });

  it("SmoothL1Loss is quadratic near 0 and linear beyond", async () => {
    const x = { shape: [2, 2], data: Float32Array.of(0.05, 1, -2, 0) };
    const [y] = await run(`type: "SmoothL1Loss" smooth_l1_loss_param { sigma: 3 }`, [
      x,
      { shape: [2, 2], data: new Float32Array(4) },
    ]);
    expectClose(y, [], [(0.5 * 9 * 0.05 ** 2 + (1 - 0.5 / 9) + (2 - 0.5 / 9)) / 2]);
  });

  it("SmoothL1Loss takes targets without the axes of 1 at the end that predictions have", async () => {
    const zeros = (shape: readonly number[]): Tensor => ({ shape, data: new Float32Array(2) });
    const loss = (shape: readonly number[]) =>
      run(`type: "SmoothL1Loss"`, [{ shape: [2, 1, 1, 1], data: Float32Array.of(2, -0.5) }, zeros(shape)]);
    expectClose((await loss([2, 1]))[0], [], [(1.5 + 0.125) / 2]);
    const refused = await loss([1, 2]).catch((error: Error) => error.message);
    expect(refused).to.contain("[1,2] differs from [2,1,1,1]");
  });

  it("SmoothL1Loss weighs differences within and without", async () => {
    const [x, target, inside, outside] = [1, 2, 3, 4].map((seed) => noise(seed, [3, 2, 2, 1], -2, 2)) as [
      Tensor,
      Tensor,
      Tensor,
      Tensor,
    ];
    const sigma = 2;
    let sum = 0;
    x.data.forEach((value, i) => {
      const d = inside.data[i]! * (value - target.data[i]!);
      const each = Math.abs(d) < 1 / sigma ** 2 ? 0.5 * (sigma * d) ** 2 : Math.abs(d) - 0.5 / sigma ** 2;
      sum += outside.data[i]! * each;
    });
    const [y] = await run(`type: "SmoothL1Loss" smooth_l1_loss_param { sigma: ${sigma} }`, [
      x,
      target,
      inside,
      outside,
    ]);
    expectClose(y, [], [sum / 3]);
  });
});
