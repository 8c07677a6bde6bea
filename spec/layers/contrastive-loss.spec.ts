import { expect } from "chai";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

describe("ContrastiveLoss", () => {
  it("refuses vectors of different lengths", () => {
    expect(
      refusal(
        `${inputLayer("a", 2, 3)}${inputLayer("b", 2, 4)}${inputLayer("s", 2)}layer { name: "l" type: "ContrastiveLoss" bottom: "a" bottom: "b" bottom: "s" top: "y" }`,
      ),
    ).to.equal('net:4:63: layer "l": bottom "b" [2,4] and bottom "a" [2,3] differ in their channels');
  });

  it("refuses images", () => {
    expect(
      refusal(
        `${inputLayer("a", 2, 3, 2)}${inputLayer("b", 2, 3, 2)}${inputLayer("s", 2)}layer { name: "l" type: "ContrastiveLoss" bottom: "a" bottom: "b" bottom: "s" top: "y" }`,
      ),
    ).to.equal('net:4:51: layer "l": bottom "a" [2,3,2] is not a vector for each entry of the batch');
  });

  it("refuses batches of different sizes", () => {
    expect(
      refusal(
        `${inputLayer("a", 2, 3)}${inputLayer("b", 3, 3)}${inputLayer("s", 2)}layer { name: "l" type: "ContrastiveLoss" bottom: "a" bottom: "b" bottom: "s" top: "y" }`,
      ),
    ).to.equal('net:4:63: layer "l": bottom "b" [3,3] and bottom "a" [2,3] differ in their first axis, the batch');
  });

  it("refuses several similarities a pair", () => {
    expect(
      refusal(
        `${inputLayer("a", 2, 3)}${inputLayer("b", 2, 3)}${inputLayer("s", 2, 2)}layer { name: "l" type: "ContrastiveLoss" bottom: "a" bottom: "b" bottom: "s" top: "y" }`,
      ),
    ).to.equal('net:4:75: layer "l": bottom "s" [2,2] is not one number for each entry of the batch');
  });

  it("refuses fewer similarities than pairs", () => {
    expect(
      refusal(
        `${inputLayer("a", 2, 3)}${inputLayer("b", 2, 3)}${inputLayer("s", 1)}layer { name: "l" type: "ContrastiveLoss" bottom: "a" bottom: "b" bottom: "s" top: "y" }`,
      ),
    ).to.equal('net:4:75: layer "l": bottom "s" [1] has 1 similarities for 2 pairs');
  });

  it("divides by the distance + 1e-4 in the gradient, which is 0 for equal vectors", async () => {
    const text = `${inputLayer("a", 2, 1)}${inputLayer("b", 2, 1)}${inputLayer("s", 2)}layer { name: "l" type: "ContrastiveLoss" bottom: "a" bottom: "b" bottom: "s" top: "y" }`;
    const inputs = { a: tensor([1, 1e-4], [2, 1]), b: tensor([1, 0], [2, 1]), s: tensor([0, 0]) };
    const { gradients } = await runText(text, inputs, { seeds: {} });
    expect(gradients["a"]!.data[0]).to.equal(0);
    expect(gradients["a"]!.data[1]).to.be.closeTo((-0.5 * (1 - 1e-4)) / 2, 1e-5);
  });

  it("takes a similarity below 1 for 0", async () => {
    const text = `${inputLayer("a", 1, 1)}${inputLayer("b", 1, 1)}${inputLayer("s", 1)}layer { name: "l" type: "ContrastiveLoss" bottom: "a" bottom: "b" bottom: "s" top: "y" }`;
    const { blobs } = await runText(text, { a: tensor([3], [1, 1]), b: tensor([0], [1, 1]), s: tensor([0.9]) });
    expect(blobs["y"]!.data[0]).to.equal(0);
  });
});
