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
