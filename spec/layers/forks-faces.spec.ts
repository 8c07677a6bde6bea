import { expect } from "chai";
import type { Tensor } from "../../lib/api/net.js";
import { expectClose, noise, run } from "../support/forks.js";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

const [ROWS, K, CLASSES] = [4, 3, 5];
const labels = tensor([3, 0, 3, 4]);

const row = ({ data }: Tensor | { data: Float32Array }, i: number) => [...data.subarray(K * i, K * (i + 1))];
const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, v, i) => sum + v * b[i]!, 0);

describe("margin products of face recognition, against plain loops", () => {
  it("LabelSpecificAdd adds to the label's entry only in TRAIN, where it is above -bias", async () => {
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

describe("products and normalisations of caffe-windows, against plain loops", () => {
  const [x, w] = [noise(21, [ROWS, K]), noise(22, [CLASSES, K])] as const;
  const unit = (v: readonly number[]) => v.map((a) => a / Math.sqrt(dot(v, v) + 1e-6));
  const rows = Array.from({ length: ROWS }, (_, i) => row(x, i));
  const columns = Array.from({ length: CLASSES }, (_, j) => row(w, j));
  const table = (value: (a: readonly number[], b: readonly number[]) => number) =>
    rows.flatMap((a) => columns.map((b) => value(a, b)));

  it("InnerProduct normalize scales rows of the weights, and turns them as the fork does", async () => {
    const dy = noise(23, [ROWS, CLASSES]);
    const text = `${inputLayer("x", ROWS, K)} layer { name: "l" type: "InnerProduct" bottom: "x" top: "y"
      inner_product_param { num_output: ${CLASSES} bias_term: false normalize: true } }`;
    const ran = await runText(text, { x }, { seeds: { y: dy }, params: { "l/0": [...w.data] }, phase: "TRAIN" });
    expectClose(
      { net: ran.blobs["y"]! },
      [ROWS, CLASSES],
      table((a, b) => dot(a, unit(b))),
    );
    const dw = columns.flatMap((b, j) =>
      b.map((_, k) => {
        const sum = rows.reduce((all, a, i) => all + dy.data[i * CLASSES + j]! * a[k]!, 0);
        return sum * Math.sqrt(dot(b, b) + 1e-6);
      }),
    );
    expectClose({ net: { shape: [CLASSES, K], data: ran.parameters["l/0"]! } }, [CLASSES, K], dw);
    const dx = rows.flatMap((_, i) =>
      Array.from({ length: K }, (_, k) =>
        columns.reduce((all, b, j) => all + dy.data[i * CLASSES + j]! * unit(b)[k]!, 0),
      ),
    );
    expectClose({ net: ran.gradients["x"]! }, [ROWS, K], dx);
  });

  it("InnerProduct takes weights and biases as bottoms", async () => {
    const b = noise(24, [CLASSES]);
    const [y] = await run(`type: "InnerProduct"`, [x, w, b]);
    const values = rows.flatMap((a) => columns.map((c, j) => dot(a, c) + b.data[j]!));
    expectClose(y, [ROWS, CLASSES], values);
    const [z] = await run(`type: "InnerProduct" inner_product_param { bias_term: false }`, [x, w]);
    expectClose(z, [ROWS, CLASSES], table(dot));
    const [own] = await run(`type: "InnerProduct"`, [x, w], [[...b.data]]);
    expectClose(own, [ROWS, CLASSES], values);
  });

  it("InnerDistance gives squared distances, or sums of absolute differences, to rows of weights", async () => {
    const squares = (a: readonly number[], b: readonly number[]) => a.reduce((sum, v, k) => sum + (v - b[k]!) ** 2, 0);
    const [y] = await run(`type: "InnerDistance"`, [x, w]);
    expectClose(y, [ROWS, CLASSES], table(squares));
    const absolute = `type: "InnerDistance" inner_distance_param { num_output: ${CLASSES} bias_term: true distance_type: "L1" }`;
    const [z] = await run(absolute, [x], [[...w.data], [1, 2, 3, 4, 5]]);
    const values = rows.flatMap((a) =>
      columns.map((b, j) => a.reduce((sum, v, k) => sum + Math.abs(v - b[k]!), j + 1)),
    );
    expectClose(z, [ROWS, CLASSES], values);
    const scaled = `type: "InnerDistance" inner_distance_param { num_output: ${CLASSES} normalize: true }`;
    const [u] = await run(scaled, [x], [[...w.data]]);
    expectClose(
      u,
      [ROWS, CLASSES],
      table((a, b) => squares(a, unit(b))),
    );
  });

  it("Normalize without norm_param has no scale: over channels at each place, and its divisor as a second top", async () => {
    const blob = noise(25, [2, 3, 2, 2]);
    const values = (norm: (entries: readonly number[]) => number) => {
      const norms: number[] = [];
      const all = Array.from(blob.data, (v, i) => {
        const [n, place] = [Math.floor(i / 12), i % 4];
        const divisor = norm([0, 1, 2].map((c) => blob.data[n * 12 + c * 4 + place]!));
        norms[n * 4 + place] = divisor;
        return v / divisor;
      });
      return { all, norms };
    };
    const length = values((v) => Math.sqrt(dot(v, v) + 1e-6));
    const [y, norm] = await run(`type: "Normalize"`, [blob], [], 2);
    expectClose(y, [2, 3, 2, 2], length.all);
    expectClose(norm, [2, 1, 2, 2], length.norms);
    const [z] = await run(`type: "Normalize" normalize_param { normalize_type: "L1" }`, [blob]);
    expectClose(z, [2, 3, 2, 2], values((v) => v.reduce((sum, a) => sum + Math.abs(a), 1e-6)).all);
    const text = `${inputLayer("x", 2, 3)} layer { name: "l" type: "Normalize" bottom: "x" top: "y" normalize_param { normalize_type: "L3" } }`;
    expect(refusal(text)).to.contain('normalize_type "L3" is none of');
  });

  it("LabelSpecificRescale weighs the label's entry and the others, only in TRAIN", async () => {
    const scores = tensor([0.5, -0.1, 0.9, -0.2, 0.8, 0.7], [2, 3]);
    const text = (param: string) => `${inputLayer("x", 2, 3)}${inputLayer("label", 2)}
      layer { name: "l" type: "LabelSpecificRescale" bottom: "x" bottom: "label" top: "y" label_specific_rescale_param { ${param} } }`;
    const inputs = { x: scores, label: tensor([2, 0]) };
    const of = async (param: string, phase: "TRAIN" | "TEST" = "TRAIN") =>
      (await runText(text(param), inputs, { phase })).blobs["y"]!;
    const weights = "positive_weight: 3 negative_weight: 0.5";
    expectClose({ net: await of(weights) }, [2, 3], [0.25, -0.05, 2.7, -0.6, 0.4, 0.35]);
    expectClose({ net: await of(`${weights} for_ip: true`) }, [2, 3], [0.25, -0.05, 2.7, -0.2, 0.4, 0.35]);
    expectClose({ net: await of(`${weights} bias_fix: true`) }, [2, 3], [0.25, -0.05, 0.7, -2.6, 0.4, 0.35]);
    expectClose({ net: await of(weights, "TEST") }, [2, 3], [...scores.data]);
    expectClose(
      { net: await of(`${weights} rescale_test: true`, "TEST") },
      [2, 3],
      [0.25, -0.05, 2.7, -0.6, 0.4, 0.35],
    );
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
