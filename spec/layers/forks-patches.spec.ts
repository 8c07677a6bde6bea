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

describe("Division and Combination of JAA-Net, against plain loops", () => {
  // Two rows: parts of 1 row and 3 + 2 columns, and of 2 rows and 1 + 4 columns.
  const parts = [
    { x: 0, y: 0, height: 1, width: 3 },
    { x: 3, y: 0, height: 1, width: 2 },
    { x: 0, y: 1, height: 2, width: 1 },
    { x: 1, y: 1, height: 2, width: 4 },
  ];
  const list = (name: string, values: readonly number[]) => values.map((value) => `${name}: ${value}`).join(" ");

  it("takes parts of a plane, and gives each part's gradient to its place", async () => {
    const x = noise(7, [2, 3, 4, 5]);
    const places = [
      [0, 1],
      [2, 2],
      [3, 0],
    ] as const;
    const param = `division_param { width: 2 height: 2 ${list(
      "xcoord",
      places.map(([left]) => left),
    )} ${list(
      "ycoord",
      places.map(([, top]) => top),
    )} }`;
    const shape = [2, 3, 2, 2];
    const tops = await run(`type: "Division" ${param}`, [x], [], 3);
    tops.forEach((top, i) => {
      const [left, above] = places[i]!;
      expectClose(
        top,
        shape,
        filled(shape, (n, c, h, w) => at(x)(n!, c!, h! + above, w! + left)),
      );
    });
    const seeds = Object.fromEntries(places.map((_, i) => [`y${i}`, noise(20 + i, shape)]));
    const text = `${inputLayer("x", 2, 3, 4, 5)} layer { name: "l" type: "Division" bottom: "x" top: "y0" top: "y1" top: "y2" ${param} }`;
    const { gradients } = await runText(text, { x }, { phase: "TRAIN", seeds });
    const slope = filled(x.shape, (n, c, h, w) => {
      const i = places.findIndex(([left, above]) => h! >= above && h! < above + 2 && w! >= left && w! < left + 2);
      return i < 0 ? 0 : at(seeds[`y${i}`]!)(n!, c!, h! - places[i]![1], w! - places[i]![0]);
    });
    expectClose({ net: gradients["x"]! }, x.shape, slope);
  });

  it("puts parts together, which may have sizes of their own", async () => {
    const xs = parts.map(({ height, width }, i) => noise(30 + i, [2, 3, height, width]));
    const param = `combination_param { ${list(
      "xcoord",
      parts.map(({ x }) => x),
    )} ${list(
      "ycoord",
      parts.map(({ y }) => y),
    )} }`;
    const shape = [2, 3, 3, 5];
    const [y] = await run(`type: "Combination" ${param}`, xs);
    const whole = filled(shape, (n, c, h, w) => {
      const i = parts.findIndex(
        ({ x, y: top, height, width }) => w! >= x && w! < x + width && h! >= top && h! < top + height,
      );
      return at(xs[i]!)(n!, c!, h! - parts[i]!.y, w! - parts[i]!.x);
    });
    expectClose(y, shape, whole);
  });

  it("says what it misses", () => {
    const divided = (param: string) =>
      refusal(
        `${inputLayer("x", 1, 1, 4, 4)} layer { name: "l" type: "Division" bottom: "x" top: "a" top: "b" division_param { ${param} } }`,
      );
    expect(divided("height: 2 xcoord: [0, 2] ycoord: [0, 0]")).to.contain("width is missing");
    expect(divided("width: 2 height: 2 xcoord: 0 ycoord: [0, 0]")).to.contain(
      "xcoord is given 1 times, and there are 2 parts",
    );
    expect(divided("width: 2 height: 2 xcoord: [0, 3] ycoord: [0, 0]")).to.contain(
      'part 1, 2 by 2 at (3, 0), is not within bottom "x" [1,1,4,4]',
    );
    const together = (xcoord: string, ycoord: string, height = 2) =>
      refusal(`${inputLayer("a", 1, 1, 2, 2)} ${inputLayer("b", 1, 1, height, 2)}
        layer { name: "l" type: "Combination" bottom: "a" bottom: "b" top: "y" combination_param { xcoord: [${xcoord}] ycoord: [${ycoord}] } }`);
    expect(together("0, 3", "0, 0")).to.contain('bottom "b" [1,1,2,2] at (3, 0) leaves a gap');
    expect(together("0, 2", "0, 0", 1)).to.contain('bottom "b" [1,1,1,2] at (2, 0) leaves a gap');
    expect(together("2, 0", "0, 0")).to.contain('bottom "a" [1,1,2,2] at (2, 0) leaves a gap');
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
