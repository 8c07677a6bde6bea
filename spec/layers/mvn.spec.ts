import { expect } from "chai";
import { inputLayer, refusal } from "../support/net.js";

describe("MVN", () => {
  it("refuses a blob of more than 4 axes", () => {
    expect(refusal(`${inputLayer("x", 1, 4, 2, 2, 2)}layer { name: "l" type: "MVN" bottom: "x" top: "y" }`)).to.equal(
      'net:2:39: layer "l": bottom "x" [1,4,2,2,2] has more than 4 axes',
    );
  });
});
