import { expect } from "chai";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

describe("LSTMUnit", () => {
  it("refuses gates that are not 4 for each cell", () => {
    expect(
      refusal(
        `${inputLayer("c", 1, 2, 3)}${inputLayer("x", 1, 2, 9)}${inputLayer("t", 1, 2)}layer { name: "l" type: "LSTMUnit" bottom: "c" bottom: "x" bottom: "t" top: "a" top: "b" }`,
      ),
    ).to.equal(
      'net:4:56: layer "l": bottom "x" [1,2,9] does not have the inputs of 4 gates for each of the 3 cells of bottom "c" [1,2,3]',
    );
  });

  it("refuses more than one timestep", () => {
    expect(
      refusal(
        `${inputLayer("c", 2, 2, 3)}${inputLayer("x", 2, 2, 12)}${inputLayer("t", 2, 2)}layer { name: "l" type: "LSTMUnit" bottom: "c" bottom: "x" bottom: "t" top: "a" top: "b" }`,
      ),
    ).to.equal('net:4:44: layer "l": bottom "c" [2,2,3] is not one timestep');
  });

  it("refuses streams that differ", () => {
    expect(
      refusal(
        `${inputLayer("c", 1, 2, 3)}${inputLayer("x", 1, 3, 12)}${inputLayer("t", 1, 2)}layer { name: "l" type: "LSTMUnit" bottom: "c" bottom: "x" bottom: "t" top: "a" top: "b" }`,
      ),
    ).to.equal('net:4:56: layer "l": bottom "x" [1,3,12] and bottom "c" [1,2,3] differ in their streams');
  });

  it("refuses flags with features", () => {
    expect(
      refusal(
        `${inputLayer("c", 1, 2, 3)}${inputLayer("x", 1, 2, 12)}${inputLayer("t", 1, 2, 3)}layer { name: "l" type: "LSTMUnit" bottom: "c" bottom: "x" bottom: "t" top: "a" top: "b" }`,
      ),
    ).to.equal('net:4:68: layer "l": bottom "t" [1,2,3] does not have 2 axes');
  });

  it("takes F (1 - F) for the forget gate's slope at a fractional cont, as Caffe does", async () => {
    const text = `${inputLayer("c", 1, 1, 1)}${inputLayer("x", 1, 1, 4)}${inputLayer("t", 1, 1)}layer { name: "l" type: "LSTMUnit" bottom: "c" bottom: "x" bottom: "t" top: "c1" top: "h1" }`;
    const inputs = { c: tensor([1], [1, 1, 1]), x: tensor([0, 0, 0, 0], [1, 1, 4]), t: tensor([0.5], [1, 1]) };
    const { blobs, gradients } = await runText(text, inputs, { seeds: { c1: tensor([1], [1, 1, 1]) } });
    expect(blobs["c1"]!.data[0]).to.equal(0.25);
    expect(gradients["x"]!.data[1]).to.equal(0.25 * 0.75);
  });
});
