import { expect } from "chai";
import { loadNet } from "../../lib/caffe/load.js";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

describe("SigmoidCrossEntropyLoss", () => {
  it("refuses bottoms of different counts", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}${inputLayer("t", 2, 4)}layer { name: "l" type: "SigmoidCrossEntropyLoss" bottom: "x" bottom: "t" top: "y" }`,
      ),
    ).to.equal('net:3:71: layer "l": bottom "t" [2,4] and bottom "x" [2,3] differ in their number of entries');
  });

  it("refuses bottoms that differ in their first axis", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}${inputLayer("t", 3, 2)}layer { name: "l" type: "SigmoidCrossEntropyLoss" bottom: "x" bottom: "t" top: "y" }`,
      ),
    ).to.equal('net:3:71: layer "l": bottom "t" [3,2] and bottom "x" [2,3] differ in their first axis, the batch');
  });

  it("has the gradient sigmoid - target, divided by the batch size, also at 0 and far from it", async () => {
    const text = `${inputLayer("x", 1, 4)}${inputLayer("t", 1, 4)}layer { name: "l" type: "SigmoidCrossEntropyLoss" bottom: "x" bottom: "t" top: "y" }`;
    const inputs = { x: tensor([0, 200, -200, 0], [1, 4]), t: tensor([1, 0, 1, 0.25], [1, 4]) };
    const { blobs, gradients } = await runText(text, inputs, { seeds: {} });
    expect(blobs["y"]!.data[0]).to.be.closeTo(400 + 2 * Math.LN2, 1e-4);
    expect([...gradients["x"]!.data]).to.deep.equal([-0.5, 1, -1, 0.25]);
  });

  it("weighs edges by the share of the rest in each item, and the rest by that of edges, in nets with HED's data layer", async () => {
    const layer = `layer { name: "l" type: "SigmoidCrossEntropyLoss" bottom: "x" bottom: "t" top: "y" }`;
    const [scores, targets] = [
      [0.5, -1, 2, 0.25, -0.5, 1, 3, -2],
      [1, 0, 0, 0, 1, 1, 0, 0.5],
    ];
    const hed = loadNet(`layer { name: "d" type: "ImageLabelmapData" top: "x" top: "t" }${layer}`).message.layer[1]!;
    expect(hed.loss_param!.class_balanced).to.equal(true);
    const text = `${inputLayer("x", 2, 4)}${inputLayer("t", 2, 4)}${layer.replace(/}$/, "loss_param { class_balanced: true } }")}`;
    const inputs = { x: tensor(scores!, [2, 4]), t: tensor(targets!, [2, 4]) };
    const { blobs, gradients } = await runText(text, inputs, { seeds: {} });
    // Shares of 0 and of 1 among targets of 0 and 1: three quarters and one, a third and two.
    const weights = [3 / 4, 1 / 4, 1 / 4, 1 / 4, 1 / 3, 1 / 3, 2 / 3, 0];
    const s = scores!.map((value) => 1 / (1 + Math.exp(-value)));
    const losses = s.map((p, i) => -weights[i]! * Math.log(targets![i] === 1 ? p : 1 - p));
    expect(blobs["y"]!.data[0]).to.be.closeTo(losses.reduce((a, b) => a + b) / 2, 1e-5);
    const slopes = s.map((p, i) => (weights[i]! * (p - targets![i]!)) / 2);
    for (const [i, slope] of slopes.entries()) expect(gradients["x"]!.data[i]).to.be.closeTo(slope, 1e-6);
  });
});
