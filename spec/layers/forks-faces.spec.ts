import { expect } from "chai";
import type { Tensor } from "../../lib/api/net.js";
import { expectClose, noise, run } from "../support/forks.js";
import { inputLayer, runText, tensor } from "../support/net.js";

const [ROWS, K, CLASSES] = [4, 3, 5];
const labels = tensor([3, 0, 3, 4]);

const row = ({ data }: Tensor | { data: Float32Array }, i: number) => [...data.subarray(K * i, K * (i + 1))];
const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, v, i) => sum + v * b[i]!, 0);

describe("margin products of face recognition, against plain loops", () => {
  it("LabelSpecificAdd adds to the label's entry in TRAIN alone, where it is above -bias", async () => {
    const x = tensor([0.5, 0.1, 0.9, 0.2, 0.8, 0.7], [2, 3]);
    const text = `${inputLayer("x", 2, 3)}${inputLayer("label", 2)}
      layer { name: "l" type: "LabelSpecificAdd" bottom: "x" bottom: "label" top: "y" label_specific_add_param { bias: -0.35 } }`;
    const inputs = { x, label: tensor([2, 0]) };
    const train = await runText(text, inputs, { phase: "TRAIN" });
    expectClose({ net: train.blobs["y"]! }, [2, 3], [0.5, 0.1, 0.55, 0.2, 0.8, 0.7]);
    const test = await runText(text, inputs);
    expectClose({ net: test.blobs["y"]! }, [2, 3], [...x.data]);
  });

  /** SphereFace's layer, loop by loop; gradients for top gradients dy. */
  function sphere(m: number, lambda: number, x: Tensor, weights: Float32Array, dy: Float32Array) {
    const unit = Array.from({ length: CLASSES }, (_, j) => {
      const w = row({ data: weights }, j);
      return w.map((v) => v / Math.hypot(...w));
    });
    const y: number[] = [];
    const dx = new Float32Array(ROWS * K);
    const dw = new Float32Array(CLASSES * K);
    for (let i = 0; i < ROWS; i++) {
      const xi = row(x, i);
      const length = Math.hypot(...xi);
      for (let j = 0; j < CLASSES; j++) {
        const w = unit[j]!;
        const g = dy[i * CLASSES + j]!;
        const product = dot(xi, w);
        const cos = product / length;
        const [s, scale] = [Math.sign(cos), Math.hypot(...row({ data: weights }, j))];
        for (let k = 0; k < K; k++) dw[j * K + k]! += g * xi[k]! * scale;
        if (m === 1 || j !== labels.data[i]) {
          y.push(product);
          for (let k = 0; k < K; k++) dx[i * K + k]! += g * w[k]!;
          continue;
        }
        // Each sign by the authors' words.
        const s1 = Math.sign(Math.abs(cos) - 0.5);
        const s2 = s * (1 + s1) - 2;
        const s3 = s * Math.sign(2 * cos ** 2 - 1);
        const s4 = 2 * s + s3 - 3;
        const [psi, cw, cx] = [
          [],
          [],
          [2 * s * cos ** 2 - 1, 4 * s * cos, -(2 * s * cos ** 2 + 1) / length],
          [s1 * (4 * cos ** 3 - 3 * cos) + s2, s1 * (12 * cos ** 2 - 3), -(8 * s1 * cos ** 3 - s2) / length],
          [
            s3 * (8 * cos ** 4 - 8 * cos ** 2 + 1) + s4,
            s3 * (32 * cos ** 3 - 16 * cos),
            -(s3 * (24 * cos ** 4 - 8 * cos ** 2 - 1) - s4) / length,
          ],
        ][m] as [number, number, number];
        y.push((length * psi + lambda * product) / (1 + lambda));
        const norm = Math.hypot(cw, cx);
        for (let k = 0; k < K; k++)
          dx[i * K + k]! += (g * ((cw / norm) * w[k]! + (cx / norm) * xi[k]! + lambda * w[k]!)) / (1 + lambda);
      }
    }
    return { y, dx, dw };
  }

  ["SINGLE", "DOUBLE", "TRIPLE", "QUADRUPLE"].forEach((type, index) => {
    it(`MarginInnerProduct ${type}: forward and the authors' gradients`, async () => {
      const [x, w, dy] = [noise(1, [ROWS, K]), noise(2, [CLASSES, K]), noise(3, [ROWS, CLASSES])] as const;
      // The third forward: t = 2 + 1.
      const param = "base: 10 gamma: 0.5 power: 2 lambda_min: 0.3 iteration: 2";
      const lambda = Math.max(10 * (1 + 0.5 * 3) ** -2, 0.3);
      const text = `${inputLayer("x", ROWS, K)}${inputLayer("label", ROWS)}
        layer { name: "l" type: "MarginInnerProduct" bottom: "x" bottom: "label" top: "y" top: "lambda"
          margin_inner_product_param { num_output: ${CLASSES} type: ${type} ${param} } }`;
      const ran = await runText(
        text,
        { x, label: labels },
        { seeds: { y: dy }, params: { "l/0": [...w.data] }, phase: "TRAIN" },
      );
      const expected = sphere(index + 1, lambda, x, w.data, dy.data);
      expectClose({ net: ran.blobs["y"]! }, [ROWS, CLASSES], expected.y);
      expectClose({ net: ran.blobs["lambda"]! }, [1], [lambda]);
      expectClose({ net: ran.gradients["x"]! }, [ROWS, K], expected.dx, 1e-4);
      expectClose({ net: { shape: [CLASSES, K], data: ran.parameters["l/0"]! } }, [CLASSES, K], expected.dw, 1e-4);
    });
  });

  it("MarginInnerProduct without labels, as in a converted file, has no margin", async () => {
    const [x, w] = [noise(1, [ROWS, K]), noise(2, [CLASSES, K])] as const;
    const [y] = await run(
      `type: "MarginInnerProduct" margin_inner_product_param { num_output: ${CLASSES} type: TRIPLE }`,
      [x],
      [[...w.data]],
    );
    const rows = Array.from({ length: CLASSES }, (_, j) => row(w, j));
    const values = Array.from({ length: ROWS }, (_, i) => rows.map((v) => dot(row(x, i), v) / Math.hypot(...v)));
    expectClose(y, [ROWS, CLASSES], values.flat());
  });
});

describe("losses of face recognition, against plain loops", () => {
  it("CenterLoss, and the centers' gradient by the number of rows of each class, whatever the loss weighs", async () => {
    const [x, centers] = [noise(4, [ROWS, K]), noise(5, [CLASSES, K])] as const;
    const text = `${inputLayer("x", ROWS, K)}${inputLayer("label", ROWS)}
      layer { name: "l" type: "CenterLoss" bottom: "x" bottom: "label" top: "y" loss_weight: 0.25 center_loss_param { num_output: ${CLASSES} } }`;
    const ran = await runText(
      text,
      { x, label: labels },
      { seeds: { y: tensor([0.25], []) }, params: { "l/0": [...centers.data] } },
    );
    let sum = 0;
    const dx = new Float32Array(ROWS * K);
    const dc = new Float32Array(CLASSES * K);
    for (let i = 0; i < ROWS; i++) {
      const label = labels.data[i]!;
      const same = labels.data.filter((other) => other === label).length;
      for (let k = 0; k < K; k++) {
        const d = x.data[i * K + k]! - centers.data[label * K + k]!;
        sum += d * d;
        dx[i * K + k] = (0.25 * d) / ROWS;
        dc[label * K + k]! -= d / (1 + same);
      }
    }
    expectClose({ net: ran.blobs["y"]! }, [], [sum / 2 / ROWS]);
    expectClose({ net: ran.gradients["x"]! }, [ROWS, K], dx);
    expectClose({ net: { shape: [CLASSES, K], data: ran.parameters["l/0"]! } }, [CLASSES, K], dc);
  });

  it("TripletLoss wants negatives further away than positives, by a margin, and weighs triplets", async () => {
    const [a, p, n] = [noise(6, [ROWS, K]), noise(7, [ROWS, K]), noise(8, [ROWS, K])] as const;
    const weights = tensor([1, 0.5, 2, 0]);
    const away = (i: number, other: Tensor) =>
      dot(...(Array(2).fill(row(a, i).map((v, k) => v - row(other, i)[k]!)) as [number[], number[]]));
    const missing = Array.from({ length: ROWS }, (_, i) => Math.max(0, 0.4 + away(i, p) - away(i, n)));
    expect(missing.filter((v) => v > 0).length).to.be.within(1, ROWS - 1);
    const [y] = await run(`type: "TripletLoss" triplet_loss_param { margin: 0.4 }`, [a, p, n]);
    expectClose(y, [], [missing.reduce((sum, v) => sum + v, 0) / 2 / ROWS]);
    const [z] = await run(`type: "TripletLoss" triplet_loss_param { margin: 0.4 }`, [a, p, n, weights]);
    expectClose(z, [], [missing.reduce((sum, v, i) => sum + weights.data[i]! * v, 0) / 2 / ROWS]);
  });

  for (const type of ["FocalLoss", "SoftmaxFocalLoss"])
    it(`${type} counts sure predictions less`, async () => {
      const x = noise(9, [3, 4], -2, 2);
      const ignoring = tensor([1, 9, 3]);
      const [alpha, gamma] = [0.6, 1.5];
      let sum = 0;
      for (const [i, label] of [...ignoring.data].entries()) {
        if (label === 9) continue;
        const exps = [...x.data.subarray(4 * i, 4 * i + 4)].map(Math.exp);
        const prob = exps[label]! / exps.reduce((a, b) => a + b);
        sum -= alpha * (1 - prob) ** gamma * Math.log(prob);
      }
      const param = `focal_loss_param { alpha: ${alpha} gamma: ${gamma} }`;
      const [valid] = await run(`type: "${type}" ${param} loss_param { ignore_label: 9 }`, [x, ignoring]);
      expectClose(valid, [], [sum / 2]);
      const [full] = await run(`type: "${type}" ${param} loss_param { ignore_label: 9 normalization: FULL }`, [
        x,
        ignoring,
      ]);
      expectClose(full, [], [sum / 3]);
    });
});
