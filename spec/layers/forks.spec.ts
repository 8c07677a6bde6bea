import { expect } from "chai";
import { Net, type Tensor } from "../../lib/model.js";
import { prng } from "../support/prng.js";

const noise = (seed: number, shape: readonly number[], from = -1, to = 1): Tensor => {
  const random = prng(seed);
  const n = shape.reduce((a, b) => a * b, 1);
  return { shape, data: Float32Array.from({ length: n }, () => from + (to - from) * random()) };
};

/** One layer on given bottoms; its tops. `blobs` are its parameters. */
async function run(layer: string, bottoms: readonly Tensor[], blobs: readonly (readonly number[])[] = [], tops = 1) {
  const names = bottoms.map((_, i) => `x${i}`);
  const inputs = bottoms
    .map(
      ({ shape }, i) =>
        `layer { name: "x${i}" type: "Input" top: "x${i}" input_param { shape { ${shape.map((d) => `dim: ${d}`).join(" ")} } } }`,
    )
    .join("\n");
  const ends = Array.from({ length: tops }, (_, i) => `top: "y${i}"`).join(" ");
  const text = `${inputs} layer { name: "l" ${layer} ${names.map((name) => `bottom: "${name}"`).join(" ")} ${ends} }`;
  await using net = await Net.load(text);
  blobs.forEach((values, i) => {
    net.params.get("l")![i]!.data.set(values);
  });
  const all = await net.forward(Object.fromEntries(names.map((name, i) => [name, bottoms[i]!])));
  return Array.from({ length: tops }, (_, i) => all[`y${i}`]!);
}

function expectClose(
  actual: Tensor | undefined,
  shape: readonly number[],
  values: ArrayLike<number>,
  tolerance = 1e-5,
) {
  expect(actual!.shape).to.deep.equal(shape);
  Array.from(values).forEach((value, i) => {
    expect(actual!.data[i], `[${i}]`).to.be.closeTo(value, tolerance * Math.max(1, Math.abs(value)));
  });
}

/** A tensor by coordinates: its value at (n, c, h, w). */
const at =
  ({ shape, data }: Tensor) =>
  (n: number, c: number, h: number, w: number) =>
    data[((n * shape[1]! + c) * shape[2]! + h) * shape[3]! + w]!;

/** All coordinates of a shape, in row-major order. */
function* places(shape: readonly number[]): Generator<readonly [number, number, number, number]> {
  const [n, c, h, w] = shape as [number, number, number, number];
  for (let i = 0; i < n; i++)
    for (let j = 0; j < c; j++) for (let k = 0; k < h; k++) for (let l = 0; l < w; l++) yield [i, j, k, l];
}
const filled = (shape: readonly number[], value: (n: number, c: number, h: number, w: number) => number) =>
  Float32Array.from([...places(shape)].map((place) => value(...place)));

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

  it("ROIPooling takes the maximum of each cell of a box", async () => {
    const x = noise(4, [2, 2, 6, 8]);
    const rois = { shape: [2, 5], data: Float32Array.of(0, 0, 0, 14, 10, 1, 3, 4, 9, 7) };
    const [y] = await run(`type: "ROIPooling" roi_pooling_param { pooled_h: 2 pooled_w: 3 spatial_scale: 0.5 }`, [
      x,
      rois,
    ]);
    const cell = (r: number, c: number, i: number, j: number) => {
      const [item, x1, y1, x2, y2] = [...rois.data.slice(5 * r, 5 * r + 5)].map((v, k) =>
        k === 0 ? v : Math.round(v * 0.5),
      ) as [number, number, number, number, number];
      const [bh, bw] = [Math.max(1, y2 - y1 + 1) / 2, Math.max(1, x2 - x1 + 1) / 3];
      let best = Number.NEGATIVE_INFINITY;
      for (let h = Math.floor(y1 + i * bh); h < Math.min(6, Math.ceil(y1 + (i + 1) * bh)); h++)
        for (let w = Math.floor(x1 + j * bw); w < Math.min(8, Math.ceil(x1 + (j + 1) * bw)); w++)
          best = Math.max(best, at(x)(item, c, h, w));
      return best;
    };
    expectClose(y, [2, 2, 2, 3], filled([2, 2, 2, 3], cell));
  });

  it("PSROIPooling averages a channel of its own for each cell", async () => {
    const [g, dims] = [2, 3];
    const x = noise(5, [1, dims * g * g, 7, 9]);
    const rois = { shape: [3, 5], data: Float32Array.of(0, 0, 0, 30, 20, 0, 5, 6, 9, 7, 0, 28, 20, 60, 60) };
    const [y] = await run(
      `type: "PSROIPooling" psroi_pooling_param { output_dim: 3 group_size: 2 spatial_scale: 0.25 }`,
      [x, rois],
    );
    const cell = (r: number, c: number, i: number, j: number) => {
      const [x1, y1, x2, y2] = [...rois.data.slice(5 * r + 1, 5 * r + 5)].map(Math.round) as [
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
      for (let h = h0; h < h1; h++) for (let w = w0; w < w1; w++) sum += at(x)(0, (c * g + i) * g + j, h, w);
      return h1 > h0 && w1 > w0 ? sum / ((h1 - h0) * (w1 - w0)) : 0;
    };
    expectClose(y, [3, dims, g, g], filled([3, dims, g, g], cell));
  });

  it("Interp interpolates with the corners in place", async () => {
    const x = noise(6, [2, 2, 3, 4]);
    const [y] = await run(`type: "Interp" interp_param { zoom_factor: 3 }`, [x]);
    const value = (n: number, c: number, i: number, j: number) => {
      const [sy, sx] = [(i * 2) / 6, (j * 3) / 9];
      const [h, w] = [Math.min(1, Math.floor(sy)), Math.min(2, Math.floor(sx))];
      const [b, a] = [sy - h, sx - w];
      const p = at(x);
      return (
        (1 - b) * ((1 - a) * p(n, c, h, w) + a * p(n, c, h, w + 1)) +
        b * ((1 - a) * p(n, c, h + 1, w) + a * p(n, c, h + 1, w + 1))
      );
    };
    expectClose(y, [2, 2, 7, 10], filled([2, 2, 7, 10], value));
  });

  it("Interp takes its size from height and width, and from a second bottom", async () => {
    const x = noise(6, [1, 1, 3, 4]);
    expect((await run(`type: "Interp" interp_param { height: 5 width: 9 }`, [x]))[0]!.shape).to.deep.equal([
      1, 1, 5, 9,
    ]);
    expect((await run(`type: "Interp" interp_param { shrink_factor: 2 }`, [x]))[0]!.shape).to.deep.equal([1, 1, 2, 2]);
    expect((await run(`type: "Interp"`, [x, noise(1, [1, 2, 6, 7])]))[0]!.shape).to.deep.equal([1, 1, 6, 7]);
  });

  it("Upsample repeats entries, or puts them where a pooling's mask says", async () => {
    const x = noise(7, [1, 2, 2, 3]);
    const [near] = await run(`type: "Upsample" upsample_param { stride: 2 }`, [x]);
    expectClose(
      near,
      [1, 2, 4, 6],
      filled([1, 2, 4, 6], (n, c, h, w) => at(x)(n, c, h >> 1, w >> 1)),
    );
    const mask = { shape: x.shape, data: Float32Array.of(7, 2, 11, 12, 21, 16, 0, 8, 5, 18, 20, 23) };
    const [y] = await run(`type: "Upsample" upsample_param { scale: 2 }`, [x, mask]);
    const expected = new Float32Array(48);
    x.data.forEach((value, i) => {
      expected[Math.floor(i / 6) * 24 + mask.data[i]!] = value;
    });
    expectClose(y, [1, 2, 4, 6], expected);
  });

  it("Reorg rearranges memory as darknet does, and back", async () => {
    const [c, h, w, s] = [8, 4, 6, 2];
    const x = noise(8, [2, c, h, w]);
    const expected = new Float32Array(x.data.length);
    for (const [b, k, j, i] of places(x.shape)) {
      const offset = Math.floor(k / (c / 4));
      const from =
        i * s + (offset % s) + w * s * (j * s + Math.floor(offset / s) + h * s * ((k % (c / 4)) + (c / 4) * b));
      expected[i + w * (j + h * (k + c * b))] = x.data[from]!;
    }
    const [y] = await run(`type: "Reorg" reorg_param { stride: 2 }`, [x]);
    expectClose(y, [2, 32, 2, 3], expected);
    const back = { shape: x.shape, data: expected };
    const [z] = await run(`type: "Reorg" reorg_param { stride: 2 reverse: true }`, [back]);
    expectClose(z, [2, 2, 8, 12], x.data);
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

  it("SmoothL1Loss is quadratic near 0 and linear beyond", async () => {
    const x = { shape: [2, 2], data: Float32Array.of(0.05, 1, -2, 0) };
    const [y] = await run(`type: "SmoothL1Loss" smooth_l1_loss_param { sigma: 3 }`, [
      x,
      { shape: [2, 2], data: new Float32Array(4) },
    ]);
    expectClose(y, [], [(0.5 * 9 * 0.05 ** 2 + (1 - 0.5 / 9) + (2 - 0.5 / 9)) / 2]);
  });
});

interface Box {
  readonly corners: readonly number[];
  readonly score: number;
}

/** Non-maximum suppression by definition: the best first, what overlaps it by more than `overlap` goes. */
function suppress(boxes: readonly Box[], overlap: number, extra = 0): readonly Box[] {
  const area = ([a, b, c, d]: readonly number[]) => Math.max(0, c! - a! + extra) * Math.max(0, d! - b! + extra);
  const iou = (p: readonly number[], q: readonly number[]) => {
    const shared = area([
      Math.max(p[0]!, q[0]!),
      Math.max(p[1]!, q[1]!),
      Math.min(p[2]!, q[2]!),
      Math.min(p[3]!, q[3]!),
    ]);
    return shared / (area(p) + area(q) - shared);
  };
  const kept: Box[] = [];
  for (const box of [...boxes].sort((a, b) => b.score - a.score))
    if (kept.every(({ corners }) => iou(corners, box.corners) <= overlap)) kept.push(box);
  return kept;
}

describe("detectors of Caffe's forks, against plain loops", () => {
  const boxes = 12;
  const priors = (): Tensor => {
    const data = new Float32Array(boxes * 8);
    for (let i = 0; i < boxes; i++) {
      const [x, y] = [(i % 4) * 0.2, Math.floor(i / 4) * 0.25];
      data.set([x, y, x + 0.3, y + 0.35], 4 * i);
      data.set([0.1, 0.1, 0.2, 0.2], 4 * (boxes + i));
    }
    return { shape: [1, 2, boxes * 4], data };
  };
  const decode = (p: Float32Array, i: number, d: readonly number[]) => {
    const [x1, y1, x2, y2] = p.slice(4 * i, 4 * i + 4) as unknown as [number, number, number, number];
    const [w, h] = [x2 - x1, y2 - y1];
    const [cx, cy] = [(x1 + x2) / 2 + 0.1 * d[0]! * w, (y1 + y2) / 2 + 0.1 * d[1]! * h];
    const [bw, bh] = [Math.exp(0.2 * d[2]!) * w, Math.exp(0.2 * d[3]!) * h];
    return [cx - bw / 2, cy - bh / 2, cx + bw / 2, cy + bh / 2];
  };
  const settings = (more = "") => `type: "DetectionOutput" detection_output_param { num_classes: 3 ${more}
    nms_param { nms_threshold: 0.4 top_k: 8 } code_type: CENTER_SIZE keep_top_k: 7 confidence_threshold: 0.3 }`;

  for (const shared of [true, false]) {
    it(`DetectionOutput gives Caffe's rows, with ${shared ? "shared boxes" : "boxes for each class"}`, async () => {
      const sets = shared ? 1 : 3;
      const [offsets, scores, prior] = [noise(21, [1, boxes * 4 * sets]), noise(22, [1, boxes * 3], 0, 1), priors()];
      const found = [1, 2].flatMap((label) => {
        const all = Array.from({ length: boxes }, (_, i): Box => {
          const from = 4 * (shared ? i : i * 3 + label);
          return {
            corners: decode(prior.data, i, [...offsets.data.slice(from, from + 4)]),
            score: scores.data[i * 3 + label]!,
          };
        });
        const best = all
          .filter(({ score }) => score > 0.3)
          .sort((a, b) => b.score - a.score)
          .slice(0, 8);
        return suppress(best, 0.4).map((box) => ({ label, ...box }));
      });
      const kept = [...found].sort((a, b) => b.score - a.score).slice(0, 7);
      const rows = found
        .filter((row) => kept.includes(row))
        .flatMap(({ label, score, corners }) => [0, label, score, ...corners]);
      const [y] = await run(settings(`share_location: ${shared}`), [offsets, scores, prior]);
      expectClose(y, [1, 1, 7, 7], rows);
    });
  }

  it("DetectionOutput gives a row of -1 where it finds nothing", async () => {
    const scores = { shape: [1, boxes * 3], data: new Float32Array(boxes * 3) };
    const [y] = await run(settings(), [noise(21, [1, boxes * 4]), scores, priors()]);
    expectClose(y, [1, 1, 1, 7], [0, -1, -1, -1, -1, -1, -1]);
  });

  for (const layer of [
    `type: "Python" python_param { module: "rpn.proposal_layer" layer: "ProposalLayer" param_str: "'feat_stride': 16" }`,
    `type: "Proposal"`,
  ]) {
    it(`proposals of ${layer.slice(7, 13)} are Faster R-CNN's`, async () => {
      const [h, w, a] = [4, 5, 9];
      // Faster R-CNN's nine anchors, as its authors list them.
      const anchors = [
        [-84, -40, 99, 55],
        [-176, -88, 191, 103],
        [-360, -184, 375, 199],
        [-56, -56, 71, 71],
        [-120, -120, 135, 135],
        [-248, -248, 263, 263],
        [-36, -80, 51, 95],
        [-80, -168, 95, 183],
        [-168, -344, 183, 359],
      ];
      const [scores, offsets] = [noise(31, [1, 2 * a, h, w], 0, 1), noise(32, [1, 4 * a, h, w], -0.4, 0.4)];
      const info = { shape: [1, 3], data: Float32Array.of(60, 78, 1.5) };
      const all: Box[] = [];
      for (let y = 0; y < h; y++)
        for (let x = 0; x < w; x++)
          anchors.forEach((anchor, k) => {
            const [x1, y1, x2, y2] = anchor.map((v, i) => v + 16 * (i % 2 === 0 ? x : y)) as [
              number,
              number,
              number,
              number,
            ];
            const d = [0, 1, 2, 3].map((i) => at(offsets)(0, 4 * k + i, y, x));
            const [bw, bh] = [x2 - x1 + 1, y2 - y1 + 1];
            const [cx, cy] = [x1 + bw / 2 + d[0]! * bw, y1 + bh / 2 + d[1]! * bh];
            const [pw, ph] = [Math.exp(d[2]!) * bw, Math.exp(d[3]!) * bh];
            const clip = (v: number, most: number) => Math.max(0, Math.min(most, v));
            const corners = [
              clip(cx - pw / 2, 77),
              clip(cy - ph / 2, 59),
              clip(cx + pw / 2, 77),
              clip(cy + ph / 2, 59),
            ];
            const large = corners[2]! - corners[0]! + 1 >= 24 && corners[3]! - corners[1]! + 1 >= 24;
            if (large) all.push({ corners, score: at(scores)(0, a + k, y, x) });
          });
      const kept = suppress(all, 0.7, 1).slice(0, 300);
      const [rois, probabilities] = await run(layer, [scores, offsets, info], [], 2);
      expectClose(
        rois,
        [kept.length, 5],
        kept.flatMap(({ corners }) => [0, ...corners]),
        1e-4,
      );
      expectClose(
        probabilities,
        [kept.length, 1],
        kept.map(({ score }) => score),
      );
    });
  }
});
