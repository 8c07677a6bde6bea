import { expect } from "chai";
import { inputLayer, refusal } from "../support/net.js";

describe("MultinomialLogisticLoss", () => {
  it("refuses several labels an entry", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}${inputLayer("t", 2, 2)}layer { name: "l" type: "MultinomialLogisticLoss" bottom: "x" bottom: "t" top: "y" }`,
      ),
    ).to.equal('net:3:71: layer "l": bottom "t" [2,2] is not one number for each entry of the batch');
  });

  it("refuses bottoms that differ in their first axis", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}${inputLayer("t", 3)}layer { name: "l" type: "MultinomialLogisticLoss" bottom: "x" bottom: "t" top: "y" }`,
      ),
    ).to.equal('net:3:71: layer "l": bottom "t" [3] and bottom "x" [2,3] differ in their first axis, the batch');
  });
});
