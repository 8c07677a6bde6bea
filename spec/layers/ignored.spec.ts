import { expect } from "chai";
import { inputLayer, runText, tensor } from "../support/net.js";

const NAN = Number.NaN;
const IGNORED = 255;

describe("scores that are not numbers", () => {
  const scores = [
    [1, 2, 0.5],
    [NAN, NAN, 1],
    [0, -1, 3],
  ];
  const labels = [2, IGNORED, 0];
  const x = tensor(scores.flat(), [3, 3]);
  const text = (type: string, param: string, bottoms = "") =>
    `${inputLayer("x", 3, 3)}${inputLayer("t", 3)}${inputLayer("h", 3, 3)}layer { name: "l" type: "${type}" bottom: "x" bottom: "t" ${bottoms} top: "y" ${param} }`;
  const inputs = { x, t: tensor(labels), h: tensor([1, 2, 0, 0, 1, 0, 0, 3, 1], [3, 3]) };
  const softmax = (of: readonly number[]) => {
    const powers = of.map(Math.exp);
    return powers.map((each) => each / powers.reduce((a, b) => a + b));
  };
  const valid = labels.filter((label) => label !== IGNORED).length;

  it("count neither in SoftmaxWithLoss nor in its gradient where the label is ignored", async () => {
    const { blobs, gradients } = await runText(
      text("SoftmaxWithLoss", `loss_param { ignore_label: ${IGNORED} }`),
      inputs,
      { seeds: {} },
    );
    let loss = 0;
    const dx = scores.map((of, i) => {
      const label = labels[i]!;
      if (label === IGNORED) return [0, 0, 0];
      const p = softmax(of);
      loss -= Math.log(p[label]!);
      return p.map((each, k) => (each - (k === label ? 1 : 0)) / valid);
    });
    expect(blobs["y"]!.data[0]).to.be.closeTo(loss / valid, 1e-6);
    for (const [i, value] of dx.flat().entries()) expect(gradients["x"]!.data[i]).to.be.closeTo(value, 1e-6);
  });

  it("stay in SoftmaxWithLoss's second top", async () => {
    const twoTops = text("SoftmaxWithLoss", `top: "p" loss_weight: 1 loss_weight: 0 loss_param { ignore_label: 255 }`);
    const { blobs } = await runText(twoTops, inputs);
    expect([...blobs["p"]!.data].map(Number.isNaN)).to.deep.equal([0, 0, 0, 1, 1, 1, 0, 0, 0].map(Boolean));
    expect(blobs["y"]!.data[0]).to.satisfy(Number.isFinite);
  });

  it("count neither in InfogainLoss nor in its gradient where the label is ignored", async () => {
    const { blobs, gradients } = await runText(
      text("InfogainLoss", `loss_param { ignore_label: ${IGNORED} }`, 'bottom: "h"'),
      inputs,
      { seeds: {} },
    );
    let loss = 0;
    const dx = scores.map((of, i) => {
      const label = labels[i]!;
      if (label === IGNORED) return [0, 0, 0];
      const p = softmax(of);
      const row = [...inputs.h.data.slice(3 * label, 3 * label + 3)];
      row.forEach((weight, k) => {
        loss -= weight * Math.log(p[k]!);
      });
      const sum = row.reduce((a, b) => a + b);
      return p.map((each, k) => (each * sum - row[k]!) / valid);
    });
    expect(blobs["y"]!.data[0]).to.be.closeTo(loss / valid, 1e-6);
    for (const [i, value] of dx.flat().entries()) expect(gradients["x"]!.data[i]).to.be.closeTo(value, 1e-6);
  });

  it("count neither in SigmoidCrossEntropyLoss nor in its gradient where the target is ignored", async () => {
    const net = `${inputLayer("x", 1, 3)}${inputLayer("t", 1, 3)}layer { name: "l" type: "SigmoidCrossEntropyLoss" bottom: "x" bottom: "t" top: "y" loss_param { ignore_label: ${IGNORED} } }`;
    const given = { x: tensor([0, NAN, 0], [1, 3]), t: tensor([1, IGNORED, 0.25], [1, 3]) };
    const { blobs, gradients } = await runText(net, given, { seeds: {} });
    expect(blobs["y"]!.data[0]).to.be.closeTo(2 * Math.LN2, 1e-6);
    expect([...gradients["x"]!.data]).to.deep.equal([-0.5, 0, 0.25]);
  });

  it("are right in Accuracy where the label counts, since no class scores as high, and do not count where it is ignored", async () => {
    const given = { ...inputs, x: tensor([NAN, NAN, NAN, NAN, NAN, 1, 0, -1, 3], [3, 3]) };
    const { blobs } = await runText(text("Accuracy", 'top: "c" accuracy_param { ignore_label: 255 }'), given);
    let hits = 0;
    const ofClass = [0, 0, 0];
    for (const [i, label] of labels.entries()) {
      if (label === IGNORED) continue;
      const of = given.x.data.slice(3 * i, 3 * i + 3);
      let better = -1;
      for (const score of of) if (score >= of[label]!) better++;
      if (better >= 1) continue;
      hits++;
      ofClass[label]!++;
    }
    expect(hits).to.equal(1);
    expect([...blobs["y"]!.data]).to.deep.equal([hits / valid]);
    expect([...blobs["c"]!.data]).to.deep.equal(ofClass);
  });
});
