import { expect } from "chai";
import { inputLayer, runText, tensor } from "../support/net.js";

describe("BNLL", () => {
  it("does not overflow, and has slope 1/2 at 0", async () => {
    const text = `${inputLayer("x", 5)}layer { name: "l" type: "BNLL" bottom: "x" top: "y" }`;
    const seeds = { y: tensor([1, 1, 1, 1, 1]) };
    const { blobs, gradients } = await runText(text, { x: tensor([-1e30, -200, 0, 200, 1e30]) }, { seeds });
    expect([...blobs["y"]!.data]).to.deep.equal([0, 0, Math.fround(Math.LN2), 200, Math.fround(1e30)]);
    expect([...gradients["x"]!.data]).to.deep.equal([0, 0, 0.5, 1, 1]);
  });
});
