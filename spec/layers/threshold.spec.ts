import { expect } from "chai";
import { inputLayer, runText, tensor } from "../support/net.js";

describe("Threshold", () => {
  it("is 0 at the threshold, and has no gradient", async () => {
    const text = `${inputLayer("x", 3)}layer { name: "l" type: "Threshold" bottom: "x" top: "y" threshold_param { threshold: 1 } }`;
    const seeds = { y: tensor([1, 1, 1]) };
    const { blobs, gradients } = await runText(text, { x: tensor([0, 1, 2]) }, { seeds });
    expect([...blobs["y"]!.data]).to.deep.equal([0, 0, 1]);
    expect([...gradients["x"]!.data]).to.deep.equal([0, 0, 0]);
  });
});
