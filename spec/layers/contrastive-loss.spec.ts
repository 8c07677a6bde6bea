import { expect } from "chai";
import { inputLayer, refusal } from "../support/net.js";

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
});
