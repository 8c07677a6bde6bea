import { expect } from "chai";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

describe("Clip", () => {
  it("passes the gradient at both ends", async () => {
    const text = `${inputLayer("x", 5)}layer { name: "l" type: "Clip" bottom: "x" top: "y" clip_param { min: -1 max: 2 } }`;
    const seeds = { y: tensor([1, 1, 1, 1, 1]) };
    const { blobs, gradients } = await runText(text, { x: tensor([-2, -1, 0, 2, 3]) }, { seeds });
    expect([...blobs["y"]!.data]).to.deep.equal([-1, -1, 0, 2, 2]);
    expect([...gradients["x"]!.data]).to.deep.equal([0, 1, 1, 1, 0]);
  });

  it("gives min where it is greater than max, and no gradient", async () => {
    const text = `${inputLayer("x", 4)}layer { name: "l" type: "Clip" bottom: "x" top: "y" clip_param { min: 2 max: 1 } }`;
    const seeds = { y: tensor([1, 1, 1, 1]) };
    const { blobs, gradients } = await runText(text, { x: tensor([0, 1, 2, 3]) }, { seeds });
    expect([...blobs["y"]!.data]).to.deep.equal([2, 2, 2, 2]);
    expect([...gradients["x"]!.data]).to.deep.equal([0, 0, 0, 0]);
  });

  it("refuses to be without bounds, where Caffe makes zeros of everything", () => {
    const text = `${inputLayer("x", 2)}layer { name: "l" type: "Clip" bottom: "x" top: "y" }`;
    expect(refusal(text)).to.equal(
      ['net:2:1: layer "l": min is missing', "note: write clip_param { min: A max: B }"].join("\n"),
    );
  });

  it("refuses to guess a bound", () => {
    const text = `${inputLayer("x", 2)}layer { name: "l" type: "Clip" bottom: "x" top: "y" clip_param { min: 0 } }`;
    expect(refusal(text)).to.equal(
      ['net:2:53: layer "l": max is missing', "note: write clip_param { min: A max: B }"].join("\n"),
    );
  });
});
