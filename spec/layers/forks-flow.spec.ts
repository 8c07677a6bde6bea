import { expect } from "chai";
import type { Tensor } from "../../lib/api/net.js";
import { at, expectClose, filled, noise, run } from "../support/forks.js";
import { inputLayer, refusal } from "../support/net.js";

describe("layers of optical flow, against plain loops", () => {
  const [a, b] = [noise(1, [2, 3, 2, 4]), noise(2, [2, 3, 2, 4])] as const;
  // Flow that is not known is no number.
  const unknown = { shape: b.shape, data: b.data.map((v, i) => (i % 5 === 0 ? Number.NaN : v)) };
  const difference = [...a.data].map((v, i) => v - unknown.data[i]!);
  const known = difference.filter((d) => !Number.isNaN(d));

  for (const [param, plateau, by] of [
    ["", 0, 2],
    ["plateau: 0.6", 0.6, 2],
    ["normalize_by_num_entries: true plateau: 0.6", 0.6, known.length / 3],
  ] as const) {
    it(`L1Loss of entries that are numbers, with "${param}"`, async () => {
      const counted = known.filter((d) => Math.abs(d) >= plateau);
      const [y] = await run(`type: "L1Loss" l1_loss_param { ${param} }`, [a, unknown]);
      expectClose(y, [], [counted.reduce((sum, d) => sum + Math.abs(d), 0) / by]);
    });
  }

  for (const [param, epsilon, plateau, per] of [
    ["", 0.01, 0, 1],
    ["l2_prescale_by_channels: true epsilon: 0.2 plateau: 0.8", 0.2, 0.8, 3],
  ] as const) {
    it(`L1Loss of lengths, with "${param}"`, async () => {
      let sum = 0;
      for (let n = 0; n < 2; n++)
        for (let place = 0; place < 8; place++) {
          const parts = [0, 1, 2].map((c) => difference[n * 24 + c * 8 + place]!).filter((d) => !Number.isNaN(d));
          const square = parts.reduce((total, d) => total + d * d, 0) / per;
          sum += Math.sqrt((square >= plateau ** 2 ? square : 0) + epsilon);
        }
      const [y] = await run(`type: "L1Loss" l1_loss_param { l2_per_location: true ${param} }`, [a, unknown]);
      expectClose(y, [], [sum / 2]);
    });
  }

  it("L1Loss of one bottom is its size", async () => {
    const [y] = await run(`type: "L1Loss"`, [a]);
    expectClose(y, [], [a.data.reduce((sum, v) => sum + Math.abs(v), 0) / 2]);
  });

  const padded =
    ({ shape, data }: Tensor) =>
    (n: number, c: number, y: number, x: number) => {
      const [, , h, w] = shape as [number, number, number, number];
      return y < 0 || y >= h || x < 0 || x >= w ? 0 : at({ shape, data })(n, c, y, x);
    };

  for (const [type, param, direction] of [
    ["Correlation", "pad: 3 kernel_size: 1 max_displacement: 3 stride_1: 1 stride_2: 1", 0],
    ["Correlation", "pad: 4 kernel_size: 3 max_displacement: 4 stride_1: 2 stride_2: 2", 0],
    ["Correlation", "pad: 0 kernel_size: 1 max_displacement: 2 stride_1: 1 stride_2: 2", 0],
    ["Correlation1D", "pad: 4 kernel_size: 1 max_displacement: 4 stride_1: 1 stride_2: 1", 0],
    ["Correlation1D", "pad: 4 kernel_size: 3 max_displacement: 4 stride_1: 2 stride_2: 2 single_direction: -1", -1],
    ["Correlation1D", "pad: 4 kernel_size: 1 max_displacement: 4 stride_1: 1 stride_2: 2 single_direction: 1", 1],
  ] as const) {
    it(`${type} with ${param}`, async () => {
      const [left, right] = [noise(3, [2, 3, 7, 9]), noise(4, [2, 3, 7, 9])] as const;
      const of = (name: string) => Number(new RegExp(`\\b${name}: (-?\\d+)`).exec(param)![1]);
      const [pad, k, most, s1, s2] = ["pad", "kernel_size", "max_displacement", "stride_1", "stride_2"].map(of) as [
        number,
        number,
        number,
        number,
        number,
      ];
      const radius = Math.floor(most / s2);
      const span = (from: number, count: number) => Array.from({ length: count }, (_, i) => (from + i) * s2);
      const both = span(-radius, 2 * radius + 1);
      const columns = direction === 0 ? both : span(direction === 1 ? 0 : -radius - 1, radius + 1);
      const rows = type === "Correlation" ? both : [0];
      // Correlation1D has neither padding nor a margin above and below.
      const [padY, marginY] = type === "Correlation" ? [pad, most] : [0, 0];
      const size = (dim: number, around: number, margin: number) =>
        Math.ceil((dim + 2 * around - 2 * margin - (k - 1)) / s1);
      const [h, w] = [size(7, padY, marginY), size(9, pad, most)];
      const value = (n: number, d: number, i: number, j: number) => {
        const [p, o] = [rows[Math.floor(d / columns.length)]!, columns[d % columns.length]!];
        let sum = 0;
        for (let c = 0; c < 3; c++)
          for (let di = 0; di < k; di++)
            for (let dj = 0; dj < k; dj++) {
              const [y, x] = [i * s1 + marginY + di - padY, j * s1 + most + dj - pad];
              sum += padded(left)(n, c, y, x) * padded(right)(n, c, y + p, x + o);
            }
        return sum / (k * k * 3);
      };
      const shape = [2, rows.length * columns.length, h, w];
      const [y] = await run(`type: "${type}" correlation_param { ${param} }`, [left, right]);
      expectClose(y, shape, filled(shape, value));
    });
  }

  for (const fill of ["ZERO", "NOT_A_NUMBER"]) {
    it(`FlowWarp looks where the flow points, and gives ${fill} outside`, async () => {
      const [x, flow] = [noise(5, [2, 3, 4, 5]), noise(6, [2, 2, 4, 5], -3, 3)] as const;
      const value = (n: number, c: number, i: number, j: number) => {
        const [px, py] = [j + at(flow)(n, 0, i, j), i + at(flow)(n, 1, i, j)];
        if (!(px >= 0 && py >= 0 && px < 5 && py < 4)) return fill === "ZERO" ? 0 : Number.NaN;
        const [left, top] = [Math.floor(px), Math.floor(py)];
        const [right, bottom] = [Math.min(left + 1, 4), Math.min(top + 1, 3)];
        const [a, b] = [px - left, py - top];
        const p = at(x);
        return (
          (1 - b) * ((1 - a) * p(n, c, top, left) + a * p(n, c, top, right)) +
          b * ((1 - a) * p(n, c, bottom, left) + a * p(n, c, bottom, right))
        );
      };
      const expected = filled(x.shape, value);
      const [y] = await run(`type: "FlowWarp" flow_warp_param { fill_value: ${fill} }`, [x, flow]);
      for (const top of [y!.net, y!.file!]) {
        const isNumber = (_: number, i: number) => !Number.isNaN(expected[i]);
        expect([...top.data].map(Number.isNaN)).to.deep.equal([...expected].map(Number.isNaN));
        const known = top.data.filter(isNumber);
        expectClose({ net: { shape: [known.length], data: known } }, [known.length], expected.filter(isNumber));
      }
    });
  }

  for (const [param, [h, w]] of [
    ["type: LINEAR width: 3 height: 2", [2, 3]],
    ["type: LINEAR width: 3 height: 2 antialias: false", [2, 3]],
    ["type: LINEAR width: 14 height: 11", [11, 14]],
    ["type: CUBIC width: 4 height: 3", [3, 4]],
    ["type: CUBIC width: 15 height: 12", [12, 15]],
    ["type: NEAREST width: 3 height: 3", [3, 3]],
    ["type: NEAREST width: 14 height: 12", [12, 14]],
  ] as const) {
    it(`Resample with ${param}`, async () => {
      const x = noise(7, [2, 2, 6, 7]);
      const [fx, fy] = [7 / w, 6 / h];
      const cubic = (v: number) => {
        const t = Math.abs(v);
        if (t <= 1) return t * t * (1.5 * t - 2.5) + 1;
        return t < 2 ? t * (t * (-0.5 * t + 2.5) - 4) + 2 : 0;
      };
      const triangle = (v: number) => Math.max(0, 1 - Math.abs(v));
      const filter = param.includes("CUBIC") ? cubic : triangle;
      const antialias = !param.includes("antialias: false") && (fx > 1 || fy > 1);
      const round = (v: number) => Math.sign(v) * Math.floor(Math.abs(v) + 0.5);
      const value = (n: number, c: number, i: number, j: number) => {
        // The fork adds half of the other axis's step.
        const [px, py] = [j * fx + fy / 2 - 0.5, i * fy + fx / 2 - 0.5];
        if (param.includes("NEAREST"))
          return at(x)(n, c, Math.min(5, Math.max(0, round(py))), Math.min(6, Math.max(0, round(px))));
        const [ax, ay] = antialias ? [1 / fx, 1 / fy] : [1, 1];
        const width = param.includes("CUBIC") ? 4 : 2;
        const [rx, ry] = [fx < 1 ? 2 : Math.ceil(width / ax), fy < 1 ? 2 : Math.ceil(width / ay)];
        let [sum, total] = [0, 0];
        for (let y = Math.max(0, round(py) - ry); y <= Math.min(5, round(py) + ry); y++)
          for (let k = Math.max(0, round(px) - rx); k <= Math.min(6, round(px) + rx); k++) {
            const weight = filter(ax * (px - k)) * filter(ay * (py - y));
            sum += weight * at(x)(n, c, y, k);
            total += weight;
          }
        return total === 0 ? 0 : sum / total;
      };
      const [y] = await run(`type: "Resample" resample_param { ${param} }`, [x]);
      expectClose(y, [2, 2, h, w], filled([2, 2, h, w], value));
      const size = `resample_param { ${param.replace(/width: \d+ height: \d+/, "")} }`;
      const [same] = await run(`type: "Resample" ${size}`, [x, noise(1, [1, 1, h, w])]);
      expectClose(same, [2, 2, h, w], y!.net.data);
    });
  }

  it("flow layers refuse what they do not know", () => {
    const two = (type: string, param: string, flow = "") =>
      `${inputLayer("x", 1, 2, 4, 5)} ${inputLayer("y", ...(flow === "" ? [1, 2, 4, 5] : [1, 3, 4, 5]))}
       layer { name: "l" type: "${type}" bottom: "x" bottom: "y" top: "z" ${param} }`;
    const grid = "kernel_size: 1 max_displacement: 2";
    for (const [text, message] of [
      [two("Correlation", "correlation_param { max_displacement: 1 }"), "kernel_size is missing"],
      [two("Correlation", "correlation_param { kernel_size: 2 max_displacement: 1 }"), "kernel_size 2 is not odd"],
      [two("Correlation", `correlation_param { ${grid} correlation_type: SUBTRACT }`), "only products are supported"],
      [
        two("Correlation", "correlation_param { kernel_size: 1 max_displacement: 4 }"),
        "do not fit into the padded bottoms",
      ],
      [two("Correlation", `correlation_param { ${grid} }`, "other"), "are not of one shape of 4 axes"],
      [two("FlowWarp", "", "other"), "is no flow [1,2,4,5]"],
      [two("Resample", "resample_param { type: AREA }"), "only NEAREST, LINEAR and CUBIC resampling is supported"],
    ] as const)
      expect(refusal(text)).to.contain(message);
  });
});
