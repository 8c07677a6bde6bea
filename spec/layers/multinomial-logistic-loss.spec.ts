import { expect } from "chai";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

describe("MultinomialLogisticLoss", () => {
  it("refuses several labels an entry", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}${inputLayer("t", 2, 2)}layer { name: "l" type: "MultinomialLogisticLoss" bottom: "x" bottom: "t" top: "y" }`,
      ),
    ).to.equal('net:3:71: layer "l": bottom "t" [2,2] is not one number for each entry of the batch');
  });

  it("refuses bottoms that differ in their first axis", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}${inputLayer("t", 3)}layer { name: "l" type: "MultinomialLogisticLoss" bottom: "x" bottom: "t" top: "y" }`,
      ),
    ).to.equal('net:3:71: layer "l": bottom "t" [3] and bottom "x" [2,3] differ in their first axis, the batch');
  });

  it("has the gradient of the clamped probability where it clamps", async () => {
    const text = `${inputLayer("p", 1, 2)}${inputLayer("t", 1)}layer { name: "l" type: "MultinomialLogisticLoss" bottom: "p" bottom: "t" top: "y" }`;
    const { blobs, gradients } = await runText(text, { p: tensor([0.5, -3], [1, 2]), t: tensor([1]) }, { seeds: {} });
    expect(blobs["y"]!.data[0]).to.be.closeTo(-Math.log(1e-20), 1e-4);
    expect(gradients["p"]!.data[1]! / 1e20).to.be.closeTo(-1, 1e-6);
  });
});
