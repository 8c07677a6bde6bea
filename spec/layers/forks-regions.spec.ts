import { expect } from "chai";
import type { Tensor } from "../../lib/api/net.js";
import { at, expectClose, filled, noise, run } from "../support/forks.js";
import { inputLayer, refusal, tensor } from "../support/net.js";

/** The value between entries of a plane, by bilinear interpolation from `low` to `high` around it; the last entry goes on. */
function between(x: Tensor, item: number, c: number, y: number, x0: number): number {
  const [h, w] = [x.shape[2]!, x.shape[3]!];
  const [top, left] = [Math.floor(y), Math.floor(x0)];
  const [b, a] = [y - top, x0 - left];
  const p = (i: number, j: number) => at(x)(item, c, Math.min(h - 1, i), Math.min(w - 1, j));
  return (
    (1 - b) * ((1 - a) * p(top, left) + a * p(top, left + 1)) +
    b * ((1 - a) * p(top + 1, left) + a * p(top + 1, left + 1))
  );
}

const boxes = [
  [0, 0, 0, 14, 10],
  [1, 3, 4, 9.4, 7.6],
  [1, 5, 5, 5, 9],
  [0, 13, -9, 29, 6],
  [1, -20, -30, 60, 70],
];
const rois = tensor(boxes.flat(), [5, 5]);
const cornersOf = (r: number, scale: number) =>
  boxes[r]!.slice(1).map((v) => v * scale) as [number, number, number, number];
const clamped = (v: number, size: number) => Math.min(size - 1, Math.max(0, v));

describe("regions of Caffe's forks, against plain loops", () => {
  it("PSROIAlign is the mean of four samples of each cell's own channel", async () => {
    const x = noise(3, [2, 12, 6, 8]);
    const value = (r: number, c: number, i: number, j: number) => {
      const [x1, y1, x2, y2] = cornersOf(r, 0.5);
      const [bh, bw] = [(y2 - y1) / 2, (x2 - x1) / 2];
      if (bh <= 0 || bw <= 0) return 0;
      let sum = 0;
      for (const q of [0.25, 0.75])
        for (const p of [0.25, 0.75]) {
          const [y, x0] = [y1 + (i + q) * bh, x1 + (j + p) * bw];
          if (y < 0 || y > 5 || x0 < 0 || x0 > 7) continue;
          sum += between(x, boxes[r]![0]!, (c * 2 + i) * 2 + j, y, x0);
        }
      return sum / 4;
    };
    const param = "psroi_pooling_param { output_dim: 3 group_size: 2 spatial_scale: 0.5 }";
    const [y] = await run(`type: "PSROIAlign" ${param}`, [x, rois]);
    expectClose(y, [5, 3, 2, 2], filled([5, 3, 2, 2], value));
  });

  for (const [what, param, part, samples, moves] of [
    ["parts", "sample_per_part: 3 trans_std: 0.1 part_size: 3", 3, 3, true],
    ["cells", "sample_per_part: 2 trans_std: 0.2", 2, 2, true],
    ["nothing", "no_trans: true sample_per_part: 2 trans_std: 0.2 part_size: 3", 0, 2, false],
  ] as const)
    it(`DeformablePSROIPooling averages samples moved by the offsets of ${what}`, async () => {
      const x = noise(5, [2, 16, 6, 8]);
      const offsets = noise(6, [5, 4, part, part]);
      const std = what === "parts" ? 0.1 : 0.2;
      const value = (r: number, c: number, i: number, j: number) => {
        const round = (v: number) => Math.sign(v) * Math.floor(Math.abs(v) + 0.5);
        const [x1, y1, x2, y2] = boxes[r]!.slice(1).map(round) as [number, number, number, number];
        const [left, top] = [x1 * 0.5 - 0.5, y1 * 0.5 - 0.5];
        const rw = Math.max((x2 + 1) * 0.5 - 0.5 - left, 0.1);
        const rh = Math.max((y2 + 1) * 0.5 - 0.5 - top, 0.1);
        const [pi, pj] = [Math.floor((i / 2) * part), Math.floor((j / 2) * part)];
        const of = (axis: number) => (moves ? at(offsets)(r, Math.floor(c / 2) * 2 + axis, pi, pj) * std : 0);
        let [sum, number] = [0, 0];
        for (let a = 0; a < samples; a++)
          for (let b = 0; b < samples; b++) {
            const y = (i * rh) / 2 + top + of(1) * rh + (a * rh) / 2 / samples;
            const x0 = (j * rw) / 2 + left + of(0) * rw + (b * rw) / 2 / samples;
            if (x0 < -0.5 || x0 > 7.5 || y < -0.5 || y > 5.5) continue;
            sum += between(x, boxes[r]![0]!, (c * 2 + i) * 2 + j, clamped(y, 6), clamped(x0, 8));
            number++;
          }
        return number === 0 ? 0 : sum / number;
      };
      const text = `deformable_psroi_pooling_param { output_dim: 4 group_size: 2 spatial_scale: 0.5 ${param} }`;
      const [y] = await run(`type: "DeformablePSROIPooling" ${text}`, [x, rois, ...(moves ? [offsets] : [])]);
      expectClose(y, [5, 4, 2, 2], filled([5, 4, 2, 2], value), 5e-5);
    });

  it("DeformablePSROIPooling says what its bottoms lack", () => {
    const text = (bottoms: string, param = "") =>
      `${inputLayer("x", 1, 8, 4, 4)}${inputLayer("r", 2, 5)}${inputLayer("o", 2, 3, 2, 2)}
      layer { name: "l" type: "DeformablePSROIPooling" ${bottoms} top: "y" deformable_psroi_pooling_param { output_dim: 2 group_size: 2 spatial_scale: 1 ${param} } }`;
    expect(refusal(text(`bottom: "x" bottom: "r"`))).to.contain("the offsets are missing");
    expect(refusal(text(`bottom: "x" bottom: "r" bottom: "o"`))).to.contain("are not offsets [2, 2 * classes, 2, 2]");
    expect(refusal(text(`bottom: "x" bottom: "r"`, "no_trans: true sample_per_part: 0"))).to.contain("sample_per_part");
  });

  it("ROIWarping reads the corners of cells", async () => {
    const x = noise(7, [2, 3, 6, 8]);
    const value = (r: number, c: number, i: number, j: number) => {
      const [x1, y1, x2, y2] = cornersOf(r, 0.5).map((v) => Math.sign(v) * Math.round(Math.abs(v))) as [
        number,
        number,
        number,
        number,
      ];
      const [y, x0] = [y1 + (i * Math.max(y2 - y1, 0)) / 2, x1 + (j * Math.max(x2 - x1, 0)) / 3];
      if (y < -0.5 || y > 5.5 || x0 < -0.5 || x0 > 7.5) return 0;
      return between(x, boxes[r]![0]!, c, clamped(y, 6), clamped(x0, 8));
    };
    const [y] = await run(`type: "ROIWarping" roi_warping_param { pooled_h: 2 pooled_w: 3 spatial_scale: 0.5 }`, [
      x,
      rois,
    ]);
    expectClose(y, [5, 3, 2, 3], filled([5, 3, 2, 3], value));
  });

  it("MaskPooling multiplies each map by its item's mask, and MaskResize resizes masks", async () => {
    const [x, mask] = [noise(8, [2, 3, 4, 5]), noise(9, [2, 1, 4, 5], 0, 1)];
    const [y] = await run(`type: "MaskPooling"`, [x, mask]);
    expectClose(
      y,
      [2, 3, 4, 5],
      filled([2, 3, 4, 5], (n, c, i, j) => at(x)(n, c, i, j) * at(mask)(n, 0, i, j)),
    );
    for (const [h, w] of [
      [7, 9],
      [2, 3],
    ] as const) {
      const value = (n: number, c: number, i: number, j: number) => {
        const [v, u] = [(i * 4) / h, (j * 5) / w];
        return v > 3.5 || u > 4.5 ? 0 : between(mask, n, c, clamped(v, 4), clamped(u, 5));
      };
      const [z] = await run(`type: "MaskResize" mask_resize_param { output_height: ${h} output_width: ${w} }`, [mask]);
      expectClose(z, [2, 1, h, w], filled([2, 1, h, w], value));
    }
  });
});

describe("OpenPose's layers, against plain loops", () => {
  const cubic = (v: readonly number[], d: number) =>
    v[1]! +
    0.5 *
      d *
      (v[2]! - v[0]! + d * (2 * v[0]! - 5 * v[1]! + 4 * v[2]! - v[3]! + d * (3 * (v[1]! - v[2]!) + v[3]! - v[0]!)));

  it("ImResize enlarges the middle of each scale's maps, and averages them", async () => {
    const x = noise(10, [2, 2, 6, 8]);
    for (const [param, h, w] of [
      ["factor: 2 scale_gap: 0.4", 12, 16],
      ["target_spatial_height: 9 target_spatial_width: 20 start_scale: 0.7 scale_gap: 0.3", 9, 20],
    ] as const) {
      const [start, gap] = h === 12 ? [1, 0.4] : [0.7, 0.3];
      const axis = (size: number, to: number, item: number) => (i: number) => {
        const cut = Math.floor((size / 2) * Math.fround(1 - start + item * gap));
        const inner = size - 2 * cut;
        const place = (i - (to / inner / 2 - 0.5)) * (inner / to);
        const second = Math.max(0, Math.trunc(place + 1e-5));
        const first = second < 1 ? second : second - 1;
        const third = Math.min(inner - 1, second + 1);
        const entries = [first, second, third, Math.min(inner - 1, third + 1)].map((k) => k + cut);
        return { entries, d: place - second };
      };
      const value = (_: number, c: number, i: number, j: number) => {
        let sum = 0;
        for (const item of [0, 1]) {
          const [rows, columns] = [axis(6, h, item)(i), axis(8, w, item)(j)];
          const down = rows.entries.map((r) =>
            cubic(
              columns.entries.map((k) => at(x)(item, c, r, k)),
              columns.d,
            ),
          );
          sum += cubic(down, rows.d);
        }
        return sum / 2;
      };
      const [y] = await run(`type: "ImResize" imresize_param { ${param} }`, [x]);
      expectClose(y, [1, 2, h, w], filled([1, 2, h, w], value), 1e-4);
    }
    expect(
      refusal(
        `${inputLayer("x", 3, 2, 4, 4)} layer { name: "l" type: "ImResize" bottom: "x" top: "y" imresize_param { factor: 2 scale_gap: 0.5 } }`,
      ),
    ).to.contain("nothing is left of item 2 at that scale");
  });

  it("Nms finds peaks of maps in row order, and where their neighbourhoods have them", async () => {
    const x = noise(11, [1, 3, 9, 14], -0.2, 1);
    const [parts, peaks, threshold] = [2, 4, 0.4];
    const value = new Float32Array(parts * (peaks + 1) * 3);
    let most = 0;
    for (let part = 0; part < parts; part++) {
      const p = (i: number, j: number) => at(x)(0, part, i, j);
      let number = 0;
      for (let i = 2; i < 8; i++)
        for (let j = 2; j < 13; j++) {
          let isPeak = p(i, j) > threshold;
          for (const [a, b] of [-1, 0, 1].flatMap((u) => [-1, 0, 1].map((v) => [u, v] as const)))
            if ((a !== 0 || b !== 0) && p(i + a, j + b) >= p(i, j)) isPeak = false;
          if (!isPeak) continue;
          number++;
          if (number > peaks) continue;
          let [sx, sy, total] = [0, 0, 0];
          for (let a = Math.max(1, i - 3); a <= i + 3; a++)
            for (let b = Math.max(1, j - 3); b <= j + 3; b++) {
              if (a >= 9 || b >= 14 || p(a, b) <= 0) continue;
              sx += b * p(a, b);
              sy += a * p(a, b);
              total += p(a, b);
            }
          value.set([sx / total, sy / total, p(i, j)], (part * (peaks + 1) + number) * 3);
        }
      value[part * (peaks + 1) * 3] = number;
      most = Math.max(most, number);
    }
    expect(most, "more peaks than there is room").to.be.greaterThan(peaks);
    const param = `nms_param { threshold: ${threshold} max_peaks: ${peaks} num_parts: ${parts} }`;
    const [y] = await run(`type: "Nms" ${param}`, [x]);
    expectClose(y, [1, parts, peaks + 1, 3], value, 1e-4);
    const [few] = await run(`type: "Nms" nms_param { threshold: 2 max_peaks: 3 num_parts: 1 }`, [x]);
    expectClose(few, [1, 1, 4, 3], new Float32Array(12));
  });
});
