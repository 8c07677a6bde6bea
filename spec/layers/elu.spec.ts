import { expect } from "chai";
import { inputLayer, runText, tensor } from "../support/net.js";

describe("ELU", () => {
  it("has slope alpha at 0", async () => {
    const text = `${inputLayer("x", 4)}layer { name: "l" type: "ELU" bottom: "x" top: "y" elu_param { alpha: 2 } }`;
    const seeds = { y: tensor([1, 1, 1, 1]) };
    const { blobs, gradients } = await runText(text, { x: tensor([-1e30, 0, 3, 1e30]) }, { seeds });
    expect([...blobs["y"]!.data]).to.deep.equal([-2, 0, 3, Math.fround(1e30)]);
    expect([...gradients["x"]!.data]).to.deep.equal([0, 2, 1, 1]);
  });
});
