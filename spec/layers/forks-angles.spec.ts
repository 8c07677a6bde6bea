import { expect } from "chai";
import { expectClose, noise, run } from "../support/forks.js";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

describe("angles and bounds of caffe-windows, against plain loops", () => {
  const x = tensor([-1.2, -0.99999, -0.4, 0, 0.3, 0.99999, 1.5], [7]);
  const dy = noise(3, [7]);
  const bounded = (v: number) => Math.max(Math.min(v, 1 - 1e-4), 1e-4 - 1);

  for (const [type, param, of, slope] of [
    ["Arccos", "", (v: number) => Math.acos(bounded(v)), (v: number) => -1 / Math.sqrt(1 - bounded(v) ** 2)],
    ["Cosine", "", Math.cos, (v: number) => -Math.sin(v)],
    [
      "SoftTruncation",
      "soft_truncation_param { c: 1.5 }",
      (v: number) => 1 - Math.exp(-v / 1.5),
      (v: number) => Math.exp(-v / 1.5) / 1.5,
    ],
    ["SoftTruncation", "", (v: number) => 1 - Math.exp(-v / 2), (v: number) => Math.exp(-v / 2) / 2],
    [
      "Truncation",
      "truncation_param { lower_bound: -0.5 upper_bound: 0.7 }",
      (v: number) => Math.min(Math.max(v, -0.5), 0.7),
      (v: number) => Number(v > -0.5 && v < 0.7),
    ],
  ] as const)
    it(`${type} ${param}`, async () => {
      const text = `${inputLayer("x", 7)} layer { name: "l" type: "${type}" bottom: "x" top: "y" ${param} }`;
      const ran = await runText(text, { x }, { seeds: { y: dy }, phase: "TRAIN" });
      expectClose({ net: ran.blobs["y"]! }, [7], [...x.data].map(of), 1e-4);
      const slopes = [...x.data].map((v, i) => dy.data[i]! * slope(v));
      expectClose({ net: ran.gradients["x"]! }, [7], slopes, 2e-3);
      const [file] = await run(`type: "${type}" ${param}`, [x]);
      expectClose(file, [7], [...x.data].map(of), 1e-4);
    });

  it("SoftTruncation refuses a c of 0", () => {
    const layer = `layer { name: "l" type: "SoftTruncation" bottom: "x" top: "y" soft_truncation_param { c: 0 } }`;
    expect(refusal(inputLayer("x", 2) + layer)).to.contain("c must not be 0");
  });
});

describe("GeneralContrastiveLoss, against the authors' loops", () => {
  const [ROWS, CLASSES] = [4, 5];
  const labels = [0, 3, 1, 1];
  const x = noise(5, [ROWS, CLASSES], 0, 2);
  const weights = tensor([1, 0.5, 2, 0.1]);
  const fields = {
    positive_margin: 0.2,
    negative_margin: 1.4,
    positive_weight: 0.7,
    negative_weight: 1.3,
    positive_outlier_thresh: 1.1,
  };
  const text = (
    param: string,
    more = "",
    ends = "",
  ) => `${inputLayer("x", ROWS, CLASSES)}${inputLayer("label", ROWS)}${more}
    layer { name: "l" type: "GeneralContrastiveLoss" bottom: "x" bottom: "label" ${ends} top: "loss" top: "means" loss_weight: 1 loss_weight: 0
      general_contrastive_loss_param { ${param} } }`;

  function loops(norm: number | undefined, shares: readonly number[] | undefined) {
    const { positive_margin: inner, negative_margin: outer, positive_weight: a, negative_weight: b } = fields;
    let [loss, near, far, sum] = [0, 0, 0, 0];
    const dx: number[] = [];
    for (let i = 0; i < ROWS; i++)
      for (let j = 0; j < CLASSES; j++) {
        const v = x.data[i * CLASSES + j]!;
        if (j === labels[i]) {
          const own = Math.min(fields.positive_outlier_thresh, Math.max(0, v - inner));
          near += own;
          loss += own * a;
          dx.push(v > inner && v < fields.positive_outlier_thresh ? a : 0);
        } else {
          far += Math.max(0, outer - v);
          loss += Math.max(0, outer - v) * b;
          dx.push(v < outer ? -b : 0);
          sum += v < outer ? b : 0;
        }
      }
    const by = norm === undefined ? 0 : sum / norm / ROWS;
    const mean = shares ? shares.reduce((total, v) => total + v) / ROWS : 1;
    const slopes = dx.map((v, k) => {
      const [i, j] = [Math.floor(k / CLASSES), k % CLASSES];
      const divided = j !== labels[i] && by > a ? v / by : v;
      return (divided * (shares ? shares[i]! / mean : 1)) / ROWS;
    });
    return { loss: loss / ROWS, means: [near / ROWS, far / ROWS / (CLASSES - 1)], slopes };
  }

  const given = Object.entries(fields)
    .map(([name, value]) => `${name}: ${value}`)
    .join(" ");
  for (const norm of [undefined, 0.9, 100])
    for (const isWeighted of [false, true])
      it(`with normalize_negative ${norm}${isWeighted ? " and weights of rows" : ""}`, async () => {
        const param = `${given} ${norm === undefined ? "" : `normalize_negative: ${norm}`}`;
        const net = isWeighted ? text(param, inputLayer("w", ROWS), `bottom: "w"`) : text(param);
        const inputs = { x, label: tensor(labels), ...(isWeighted && { w: weights }) };
        const ran = await runText(net, inputs, { seeds: { loss: tensor([1], []) }, phase: "TRAIN" });
        const { loss, means, slopes } = loops(norm, isWeighted ? [...weights.data] : undefined);
        expectClose({ net: ran.blobs["loss"]! }, [], [loss]);
        expectClose({ net: ran.blobs["means"]! }, [2], means);
        expectClose({ net: ran.gradients["x"]! }, [ROWS, CLASSES], slopes);
      });

  it("refuses what later versions of the fork count otherwise", () => {
    for (const field of ["square", "max_negative_only", "exp_negative_weight"])
      expect(refusal(text(`${field}: true`))).to.contain(`layer "l": ${field}: true is`);
    expect(refusal(text("", inputLayer("w", 3), `bottom: "w"`))).to.contain("is not a weight for each of 4 rows");
  });
});

describe("EltwiseAffine and IslandLoss, against the authors' loops", () => {
  it("EltwiseAffine has a slope and a bias of each channel, or of all, near 1 and 0 at first", async () => {
    const x = noise(6, [2, 3, 2]);
    const [slopes, biases] = [
      [2, -1, 0.5],
      [0.1, 0.2, 0.3],
    ] as const;
    const [y] = await run(`type: "EltwiseAffine"`, [x], [slopes, biases]);
    expectClose(
      y,
      [2, 3, 2],
      [...x.data].map((v, i) => v * slopes[Math.floor(i / 2) % 3]! + biases[Math.floor(i / 2) % 3]!),
    );
    const [z] = await run(`type: "EltwiseAffine" eltwise_affine_param { channel_shared: true }`, [x], [[3], [1]]);
    expectClose(
      z,
      [2, 3, 2],
      [...x.data].map((v) => v * 3 + 1),
    );
    const [first] = await run(`type: "EltwiseAffine"`, [x]);
    expectClose(
      first,
      [2, 3, 2],
      [...x.data].map((v) => v * 1.0001 + 0.0001),
    );
    const layer = `layer { name: "l" type: "EltwiseAffine" bottom: "x" top: "y" }`;
    expect(refusal(inputLayer("x", 2) + layer)).to.contain("has no channels");
  });

  it("IslandLoss adds the centers' cosines, and has the gradient that the authors' code leaves", async () => {
    const [ROWS, K, CLASSES, LAMBDA] = [5, 3, 4, 0.6];
    const [x, centers] = [noise(7, [ROWS, K]), noise(8, [CLASSES, K])];
    const labels = [1, 0, 3, 1, 2];
    const row = (data: Float32Array, i: number) => [...data.subarray(K * i, K * (i + 1))];
    const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, v, k) => sum + v * b[k]!, 0);
    const text = `${inputLayer("x", ROWS, K)}${inputLayer("label", ROWS)} layer { name: "l" type: "IslandLoss" bottom: "x" bottom: "label"
      top: "loss" loss_weight: 0.5 island_loss_param { num_output: ${CLASSES} lambda: ${LAMBDA} } }`;
    const ran = await runText(
      text,
      { x, label: tensor(labels) },
      { seeds: { loss: tensor([0.5], []) }, params: { "l/0": [...centers.data] } },
    );
    let [near, apart] = [0, 0];
    const dx: number[] = [];
    for (const [i, label] of labels.entries()) {
      const distance = row(x.data, i).map((v, k) => v - row(centers.data, label)[k]!);
      near += dot(distance, distance) / 2 / ROWS;
      dx.push(...distance.map((v) => (0.5 * v) / ROWS));
    }
    const dc: number[] = [];
    for (let i = 0; i < CLASSES; i++) {
      let slope: number[] = [];
      for (let j = 0; j < CLASSES; j++) {
        if (i === j) continue;
        const [a, b] = [row(centers.data, i), row(centers.data, j)];
        const [length, product] = [Math.hypot(...a), dot(a, b)];
        const scale = length * Math.hypot(...b);
        apart += product / scale + 1;
        slope = a.map(
          (v, k) => ((2 * LAMBDA) / (CLASSES - 1)) * (scale * b[k]! - (product / (scale * length ** 2)) * v),
        );
      }
      dc.push(...slope);
    }
    expectClose({ net: ran.blobs["loss"]! }, [], [near + (LAMBDA * apart) / CLASSES / (CLASSES - 1)]);
    expectClose({ net: ran.gradients["x"]! }, [ROWS, K], dx);
    expectClose({ net: { shape: [CLASSES, K], data: ran.parameters["l/0"]! } }, [CLASSES, K], dc, 1e-4);
    // Centers of ones are two apart from each other, and rows may be the last axis of several.
    const ones = `type: "IslandLoss" island_loss_param { num_output: 3 axis: 2 lambda: 0.4 center_filler { type: "constant" value: 1 } }`;
    const [of] = await run(ones, [noise(9, [2, 2, K]), tensor([0, 1, 2, 0])]);
    const squares = [...noise(9, [2, 2, K]).data].reduce((sum, v) => sum + (v - 1) ** 2, 0);
    expectClose(of, [], [squares / 2 / 4 + 0.4 * 2]);
    expect(refusal(text.replace(`num_output: ${CLASSES}`, "num_output: 1"))).to.contain(
      "num_output must be greater than 1",
    );
  });
});
