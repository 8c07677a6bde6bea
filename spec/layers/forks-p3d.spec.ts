import { expect } from "chai";
import { Net, type Tensor } from "../../lib/api/net.js";
import { loadNet } from "../../lib/caffe/load.js";
import { expectClose, noise, run } from "../support/forks.js";
import { inputLayer, refusal } from "../support/net.js";

const SHAPE = [2, 4, 5, 6, 7];
const x = noise(1, SHAPE);
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

/** All coordinates of a shape of 5 axes, in row-major order. */
const coordinates = (shape: readonly number[]) =>
  shape.reduce<number[][]>((all, dim) => all.flatMap((place) => upTo(dim).map((i) => [...place, i])), [[]]);
const flat = (place: readonly number[], shape: readonly number[]) => place.reduce((a, p, i) => a * shape[i]! + p, 0);
/** A value of a tensor; undefined outside. */
const at = ({ shape, data }: Tensor, ...place: readonly number[]) =>
  place.every((p, i) => p >= 0 && p < shape[i]!) ? data[flat(place, shape)]! : undefined;

type Three = readonly [number, number, number];

describe("P3D's layers, against plain loops", () => {
  it("Convolution3D has kernel_l, stride_l and pad_l along length, and groups", async () => {
    const param = "num_output: 6 kernel_size: 3 stride: 2 pad: 1 kernel_l: 2 stride_l: 2 pad_l: 1 group: 2";
    const shape = [2, 6, 3, 3, 4];
    const [weights, bias] = [noise(2, [6, 2, 2, 3, 3]), noise(3, [6])];
    const values = coordinates(shape).map(([n, o, l, h, w]) => {
      let sum = bias.data[o!]!;
      for (const [c, a, i, j] of coordinates([2, 2, 3, 3])) {
        const channel = Math.floor(o! / 3) * 2 + c!;
        sum +=
          at(weights, o!, c!, a!, i!, j!)! *
          (at(x, n!, channel, 2 * l! + a! - 1, 2 * h! + i! - 1, 2 * w! + j! - 1) ?? 0);
      }
      return sum;
    });
    const blobs = [weights, bias].map(({ data }) => [...data]);
    for (const field of ["convolution3d_param", "convolution_param"]) {
      const [y] = await run(`type: "Convolution3D" ${field} { ${param} }`, [x], blobs);
      expectClose(y, shape, values, 3e-5);
    }
  });

  it("Deconvolution3D has them too", async () => {
    const shape = [2, 3, 7, 13, 15];
    const weights = noise(4, [4, 3, 3, 3, 3]);
    const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
    for (const [n, c, l, h, w] of coordinates(SHAPE))
      for (const [o, a, i, j] of coordinates([3, 3, 3, 3])) {
        const place = [n!, o!, l! + a!, 2 * h! + i!, 2 * w! + j!];
        values[flat(place, shape)]! += at(x, n!, c!, l!, h!, w!)! * at(weights, c!, o!, a!, i!, j!)!;
      }
    const param =
      "convolution3d_param { num_output: 3 bias_term: false kernel_size: 3 stride: 2 kernel_l: 3 stride_l: 1 pad_l: 0 }";
    const [y] = await run(`type: "Deconvolution3D" ${param}`, [x], [[...weights.data]]);
    expectClose(y, shape, values, 5e-5);
  });

  for (const [param, kernel, stride, pad, pooled] of [
    ["kernel_size: 3 stride: 2 kernel_l: 2 stride_l: 2", [2, 3, 3], [2, 2, 2], [0, 0, 0], [3, 3, 3]],
    ["kernel_size: 3 stride: 2 pad: 1 kernel_l: 3 stride_l: 1 pad_l: 1", [3, 3, 3], [1, 2, 2], [1, 1, 1], [5, 4, 4]],
    [
      "kernel_h: 2 kernel_w: 4 stride_h: 1 stride_w: 3 pad_h: 0 pad_w: 2 kernel_l: 2",
      [2, 2, 4],
      [1, 1, 3],
      [0, 0, 2],
      [4, 5, 3],
    ],
    // The last window would begin behind the bottom, which counts where there is a pad anywhere.
    ["kernel_size: 1 stride: 4 kernel_l: 2 pad_l: 1", [2, 1, 1], [1, 4, 4], [1, 0, 0], [6, 2, 2]],
    ["global_pooling: true", [5, 6, 7], [1, 1, 1], [0, 0, 0], [1, 1, 1]],
  ] as readonly (readonly [string, Three, Three, Three, Three])[])
    for (const pool of ["MAX", "AVE"] as const)
      it(`Pooling3D with pool: ${pool} ${param}`, async () => {
        const shape = [2, 4, ...pooled];
        const values = coordinates(shape).map(([n, c, ...window]) => {
          let divisor = 1;
          const ranges = window.map((p, axis) => {
            const size = SHAPE[axis + 2]!;
            const start = p * stride[axis]! - pad[axis]!;
            const end = Math.min(start + kernel[axis]!, size + pad[axis]!);
            divisor *= end - start;
            return upTo(size).filter((k) => k >= start && k < end);
          });
          const [ls, hs, ws] = ranges as [number[], number[], number[]];
          const entries = ls.flatMap((l) => hs.flatMap((h) => ws.map((w) => at(x, n!, c!, l, h, w)!)));
          return pool === "MAX" ? Math.max(...entries) : entries.reduce((a, b) => a + b, 0) / divisor;
        });
        const [y] = await run(`type: "Pooling3D" pooling3d_param { pool: ${pool} ${param} }`, [x]);
        expectClose(y, shape, values);
      });

  it("BN normalises clips by their channels, and follows the batches", async () => {
    const text = (more: string) =>
      `${inputLayer("x", ...SHAPE)} layer { name: "l" type: "BN" bottom: "x" top: "y" bn_param { momentum: 0.8 eps: 0.01 ${more} } }`;
    for (const [phase, isFrozen] of [
      ["TRAIN", false],
      ["TRAIN", true],
      ["TEST", false],
    ] as const) {
      await using net = await Net.load(text(`frozen: ${isFrozen}`), { name: "net", phase });
      const blobs = net.params.get("l")!;
      expect(blobs.map(({ shape }) => shape)).to.deep.equal(Array(4).fill([1, 4]));
      blobs.forEach(({ data }, i) => {
        data.set(noise(i + 5, [4], 0.5, 1).data);
      });
      const [slope, bias, mean, variance] = blobs.map(({ data }) => data.slice()) as [
        Float32Array,
        Float32Array,
        Float32Array,
        Float32Array,
      ];
      const { y } = await net.forward({ x });
      const own = upTo(4).map((c) => {
        const entries = coordinates(SHAPE)
          .filter((place) => place[1] === c)
          .map((place) => at(x, ...place)!);
        const m = entries.reduce((a, e) => a + e, 0) / entries.length;
        return { m, v: entries.reduce((a, e) => a + (e - m) ** 2, 0) / entries.length };
      });
      const isBatch = phase === "TRAIN" && !isFrozen;
      const values = coordinates(SHAPE).map((place) => {
        const c = place[1]!;
        const { m, v } = isBatch ? own[c]! : { m: mean[c]!, v: variance[c]! };
        return (slope[c]! * (at(x, ...place)! - m)) / Math.sqrt(v + 0.01) + bias[c]!;
      });
      expectClose({ net: y! }, SHAPE, values, 3e-5);
      own.forEach(({ m, v }, c) => {
        expect(blobs[2]!.data[c]).to.be.closeTo(isBatch ? 0.8 * mean[c]! + 0.2 * m : mean[c]!, 1e-5);
        expect(blobs[3]!.data[c]).to.be.closeTo(isBatch ? 0.8 * variance[c]! + 0.2 * v : variance[c]!, 1e-5);
      });
    }
    const [both] = await run(
      `type: "BN" bn_param { eps: 0.01 }`,
      [x],
      [
        [1, 1, 1, 1],
        [0, 0, 0, 0],
        [0, 0, 0, 0],
        [1, 1, 1, 1],
      ],
    );
    expectClose(
      both,
      SHAPE,
      x.data.map((v) => v / Math.sqrt(1.01)),
    );
  });

  it("are Caffe's where Caffe has them", () => {
    const { layer } = loadNet(`${inputLayer("x", ...SHAPE)} layer { name: "l" type: "Convolution3D" bottom: "x" top: "y"
      convolution3d_param { num_output: 4 kernel_size: 3 kernel_l: 2 } }`).message;
    expect(layer[1]!.type).to.equal("Convolution");
    expect(layer[1]!.convolution_param!.kernel_size).to.deep.equal([2, 3, 3]);
  });

  for (const [type, param, message] of [
    ["Convolution", "convolution_param { num_output: 2 kernel_size: 3 kernel_l: 2 }", "kernel_l is for Convolution3D"],
    [
      "Convolution3D",
      "convolution_param { num_output: 2 kernel_size: 3 kernel_depth: 2 stride_l: 2 }",
      "stride_l goes with kernel_l",
    ],
    ["Pooling", "pooling_param { kernel_size: 2 pad_l: 1 }", "pad_l is for Pooling3D"],
    ["Pooling3D", "pooling3d_param { kernel_size: 2 stride_l: 2 }", "kernel_size or kernel_l is missing"],
    ["Pooling3D", "pooling3d_param { kernel_size: 2 kernel_l: 2 kernel_depth: 2 }", "kernel_depth does not go with"],
    ["Pooling3D", "pooling3d_param { kernel_size: 2 kernel_l: 9 }", "a window lies outside"],
    ["Pooling3D", "pooling3d_param { kernel_size: 2 kernel_l: 2 pad_l: 2 }", "a window lies outside"],
    ["Pooling3D", "pooling3d_param { global_pooling: true stride: 2 }", "global_pooling has no pad"],
    ["Pooling3D", "pooling3d_param { kernel_size: 2 kernel_l: 2 stride_l: 0 }", "strides must be greater than 0"],
  ] as const)
    it(`${type} refuses "${param}"`, () => {
      const shape = type === "Convolution" || type === "Pooling" ? [1, 2, 6, 6] : SHAPE;
      expect(
        refusal(`${inputLayer("x", ...shape)} layer { name: "l" type: "${type}" bottom: "x" top: "y" ${param} }`),
      ).to.contain(message);
    });
});
