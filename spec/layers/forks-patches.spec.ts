import { expect } from "chai";
import type { Tensor } from "../../lib/api/net.js";
import { expectClose, noise, run } from "../support/forks.js";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

/** Values of a shape of any axes by coordinates. */
function filled(shape: readonly number[], value: (...index: readonly number[]) => number): Float32Array {
  const length = shape.reduce((a, b) => a * b, 1);
  const coordinate = (i: number, axis: number) =>
    Math.floor(i / shape.slice(axis + 1).reduce((a, b) => a * b, 1)) % shape[axis]!;
  return Float32Array.from({ length }, (_, i) => value(...shape.map((_dim, axis) => coordinate(i, axis))));
}

/** Entry of a tensor. */
const at =
  ({ data, shape }: Tensor) =>
  (...index: readonly number[]): number =>
    data[index.reduce((sum, i, axis) => sum * shape[axis]! + i, 0)]!;

describe("SPMMaxPooling of deep patch learning, against plain loops", () => {
  const sizes = tensor([100, 80, 60, 90], [2, 2]);
  const boxes = tensor(
    [
      [0, 10, 10, 30, 30],
      [0, 60, 10, 90, 20],
      [0, 10, 50, 50, 70],
      [0, 70, 0, 90, 40],
      [3, 0, 0, 50, 80],
      [3, 10, 30, 50, 50],
    ].flat(),
    [6, 5],
  );
  /** Cells as left, right, top and bottom, column after column. */
  const grid = (n: number) =>
    Array.from({ length: n * n }, (_, i) => [
      Math.floor(i / n) / n,
      (Math.floor(i / n) + 1) / n,
      (i % n) / n,
      ((i % n) + 1) / n,
    ]);
  const pyramids = [
    [[0, 1, 0, 1]],
    [[0, 1, 0, 1], ...grid(2), [0, 1, 0, 0.33], [0, 1, 0.33, 0.67], [0, 1, 0.67, 1]],
    [[0, 1, 0, 1], ...grid(2), ...grid(4)],
  ];

  for (const type of [0, 1, 2])
    it(`takes the maximum over the boxes of each cell: spm_type ${type}`, async () => {
      const x = noise(3, [6, 3], -2, 2);
      const cells = pyramids[type]!;
      // The images come one after another, whatever their items are called.
      const image = (r: number) => (at(boxes)(r, 0) === 0 ? 0 : 1);
      const isIn = (r: number, b: number, [left, right, top, bottom]: readonly number[]) => {
        const [width, height] = [at(sizes)(b, 0), at(sizes)(b, 1)];
        const cx = (at(boxes)(r, 1) + at(boxes)(r, 3)) / (2 * width);
        const cy = (at(boxes)(r, 2) + at(boxes)(r, 4)) / (2 * height);
        return image(r) === b && cx >= left! && cx < right! && cy >= top! && cy < bottom!;
      };
      const best = (b: number, i: number) => {
        const own = [0, 1, 2, 3, 4, 5].filter((r) => isIn(r, b, cells[Math.floor(i / 3)]!));
        return own.length > 0 ? own.reduce((p, q) => (at(x)(q, i % 3) > at(x)(p, i % 3) ? q : p)) : undefined;
      };
      const value = (b: number, i: number) => {
        const r = best(b, i);
        return r === undefined ? 0 : at(x)(r, i % 3);
      };
      const shape = [2, 3 * cells.length];
      const [y] = await run(`type: "SPMMaxPooling" spm_param { spm_type: ${type} }`, [x, sizes, boxes]);
      expectClose(
        y,
        shape,
        filled(shape, (b, i) => value(b!, i!)),
      );

      const seed = noise(5, shape);
      const slope = new Float32Array(18);
      for (const b of [0, 1])
        for (let i = 0; i < shape[1]!; i++) {
          const r = best(b, i);
          if (r !== undefined) slope[r * 3 + (i % 3)]! += at(seed)(b, i);
        }
      const text = `${inputLayer("x", 6, 3)}${inputLayer("s", 2, 2)}${inputLayer("r", 6, 5)}
        layer { name: "l" type: "SPMMaxPooling" bottom: "x" bottom: "s" bottom: "r" top: "y" spm_param { spm_type: ${type} } }`;
      const { gradients } = await runText(text, { x, s: sizes, r: boxes }, { phase: "TRAIN", seeds: { y: seed } });
      expectClose({ net: gradients["x"]! }, [6, 3], slope);
    });

  it("says what it misses", () => {
    const net = (param: string, r = 5) =>
      `${inputLayer("x", 6, 3)}${inputLayer("s", 2, 2)}${inputLayer("r", 6, r)}
      layer { name: "l" type: "SPMMaxPooling" bottom: "x" bottom: "s" bottom: "r" top: "y" ${param} }`;
    expect(refusal(net(""))).to.contain("spm_type is missing");
    expect(refusal(net("spm_param { spm_type: 0 }", 4))).to.contain("is not a box [r, 5] for each of 6 rows");
  });
});

describe("SoftmaxCrossEntropyLoss of targets with a probability for each class, against plain loops", () => {
  const targets = (n: number, inner: number) => {
    const t = noise(7, [n, 3, inner], 0.1, 1);
    for (let i = 0; i < n; i++)
      for (let j = 0; j < inner; j++) {
        const sum = [0, 1, 2].reduce((a, c) => a + t.data[(i * 3 + c) * inner + j]!, 0);
        for (const c of [0, 1, 2]) t.data[(i * 3 + c) * inner + j]! /= sum;
      }
    return t;
  };

  for (const [param, divisor] of [
    ["", 8],
    ["loss_param { normalize: false }", 2],
    ["loss_param { normalization: NONE }", 1],
    ["loss_param { normalization: PRE_FIXED pre_fixed_normalizer: 5 } softmax_param { engine: CAFFE }", 5],
  ] as const)
    it(`divides as it is told: ${param || "by all predictions"}`, async () => {
      const [x, t] = [noise(9, [2, 3, 4], -3, 3), targets(2, 4)];
      const p = filled([2, 3, 4], (i, c, j) => {
        const e = [0, 1, 2].map((k) => Math.exp(at(x)(i!, k, j!)));
        return e[c!]! / (e[0]! + e[1]! + e[2]!);
      });
      const loss = -[...p].reduce((sum, v, i) => sum + t.data[i]! * Math.log(v), 0) / divisor;
      const text = `${inputLayer("x", 2, 3, 4)}${inputLayer("t", 2, 3, 4)}
        layer { name: "l" type: "SoftmaxCrossEntropyLoss" bottom: "x" bottom: "t" top: "y" top: "p" loss_weight: 1 loss_weight: 0 ${param} }`;
      const { blobs, gradients } = await runText(text, { x, t }, { phase: "TRAIN", seeds: { y: tensor([1], []) } });
      expectClose({ net: blobs["y"]! }, [], [loss]);
      expectClose({ net: blobs["p"]! }, [2, 3, 4], p);
      expectClose(
        { net: gradients["x"]! },
        [2, 3, 4],
        Array.from(p, (v, i) => (v - t.data[i]!) / divisor),
      );
    });

  it("has its targets' shape from its predictions, and refuses others", () => {
    const text = `${inputLayer("x", 2, 3)}${inputLayer("t", 2)} layer { name: "l" type: "SoftmaxCrossEntropyLoss" bottom: "x" bottom: "t" top: "y" }`;
    expect(refusal(text)).to.contain("differ in their number of entries");
  });
});
