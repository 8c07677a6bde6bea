import { expect } from "chai";
import { inputLayer, refusal } from "../support/net.js";

describe("EuclideanLoss", () => {
  it("refuses bottoms of different counts", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}${inputLayer("t", 2, 4)}layer { name: "l" type: "EuclideanLoss" bottom: "x" bottom: "t" top: "y" }`,
      ),
    ).to.equal('net:3:61: layer "l": bottom "t" [2,4] and bottom "x" [2,3] differ in their number of entries');
  });

  it("refuses bottoms that differ in their first axis", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}${inputLayer("t", 3, 2)}layer { name: "l" type: "EuclideanLoss" bottom: "x" bottom: "t" top: "y" }`,
      ),
    ).to.equal('net:3:61: layer "l": bottom "t" [3,2] and bottom "x" [2,3] differ in their first axis, the batch');
  });
});
