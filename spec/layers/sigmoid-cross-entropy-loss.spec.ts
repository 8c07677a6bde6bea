import { expect } from "chai";
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
});
