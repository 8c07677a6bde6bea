import { expect } from "chai";
import { inputLayer, refusal } from "../support/net.js";

describe("LRN", () => {
  it("refuses an even local_size", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 4, 2, 2)}layer { name: "l" type: "LRN" bottom: "x" top: "y" lrn_param { local_size: 4 } }`,
      ),
    ).to.equal('net:2:76: layer "l": local_size 4 is not odd');
  });

  it("refuses a blob that does not have 4 axes", () => {
    expect(refusal(`${inputLayer("x", 1, 4, 2)}layer { name: "l" type: "LRN" bottom: "x" top: "y" }`)).to.equal(
      'net:2:39: layer "l": bottom "x" [1,4,2] does not have 4 axes',
    );
  });
});
