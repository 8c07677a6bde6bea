import { expect } from "chai";
import { inputLayer, runText, tensor } from "../support/net.js";

describe("Power", () => {
  it("is 1 for power 0, even where the base is 0", async () => {
    const text = `${inputLayer("x", 3)}layer { name: "l" type: "Power" bottom: "x" top: "y" power_param { power: 0 } }`;
    const seeds = { y: tensor([1, 1, 1]) };
    const { blobs, gradients } = await runText(text, { x: tensor([-1, 0, 2]) }, { seeds });
    expect([...blobs["y"]!.data]).to.deep.equal([1, 1, 1]);
    expect([...gradients["x"]!.data]).to.deep.equal([0, 0, 0]);
  });

  it("is shift^power for scale 0", async () => {
    const text = `${inputLayer("x", 2)}layer { name: "l" type: "Power" bottom: "x" top: "y" power_param { power: 3 scale: 0 shift: 2 } }`;
    const seeds = { y: tensor([1, 1]) };
    const { blobs, gradients } = await runText(text, { x: tensor([-1, 0]) }, { seeds });
    expect([...blobs["y"]!.data]).to.deep.equal([8, 8]);
    expect([...gradients["x"]!.data]).to.deep.equal([0, 0]);
  });

  it("has the slope of a parabola for power 2", async () => {
    const text = `${inputLayer("x", 3)}layer { name: "l" type: "Power" bottom: "x" top: "y" power_param { power: 2 scale: 2 shift: 1 } }`;
    const seeds = { y: tensor([1, 1, 1]) };
    const { blobs, gradients } = await runText(text, { x: tensor([-1, 0, 2]) }, { seeds });
    expect([...blobs["y"]!.data]).to.deep.equal([1, 1, 25]);
    expect([...gradients["x"]!.data]).to.deep.equal([-4, 4, 20]);
  });

  it("divides by its base for the slope of other powers, as Caffe: not a number at 0", async () => {
    const text = `${inputLayer("x", 3)}layer { name: "l" type: "Power" bottom: "x" top: "y" power_param { power: 3 } }`;
    const seeds = { y: tensor([1, 1, 1]) };
    const { blobs, gradients } = await runText(text, { x: tensor([-2, 0, 2]) }, { seeds });
    expect([...blobs["y"]!.data]).to.deep.equal([-8, 0, 8]);
    expect([...gradients["x"]!.data]).to.deep.equal([12, Number.NaN, 12]);
  });

  it("is not a number for a fraction's power of a negative base", async () => {
    const text = `${inputLayer("x", 2)}layer { name: "l" type: "Power" bottom: "x" top: "y" power_param { power: 0.5 } }`;
    const seeds = { y: tensor([1, 1]) };
    const { blobs, gradients } = await runText(text, { x: tensor([-1, 4]) }, { seeds });
    expect([...blobs["y"]!.data]).to.deep.equal([Number.NaN, 2]);
    expect([...gradients["x"]!.data]).to.deep.equal([Number.NaN, 0.25]);
  });
});
