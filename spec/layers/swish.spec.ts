import { expect } from "chai";
import { inputLayer, runText, tensor } from "../support/net.js";

describe("Swish", () => {
  it("does not overflow", async () => {
    const text = `${inputLayer("x", 3)}layer { name: "l" type: "Swish" bottom: "x" top: "y" swish_param { beta: 4 } }`;
    const seeds = { y: tensor([1, 1, 1]) };
    const { blobs, gradients } = await runText(text, { x: tensor([-1e20, 0, 1e20]) }, { seeds });
    expect([...blobs["y"]!.data]).to.deep.equal([-0, 0, Math.fround(1e20)]);
    expect([...gradients["x"]!.data]).to.deep.equal([0, 0.5, 1]);
  });
});
