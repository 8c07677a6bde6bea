import { expect } from "chai";
import { inputLayer, refusal } from "../support/net.js";

describe("HingeLoss", () => {
  it("refuses bottoms that differ in their first axis", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}${inputLayer("t", 3)}layer { name: "l" type: "HingeLoss" bottom: "x" bottom: "t" top: "y" }`,
      ),
    ).to.equal('net:3:57: layer "l": bottom "t" [3] and bottom "x" [2,3] differ in their first axis, the batch');
  });
});
