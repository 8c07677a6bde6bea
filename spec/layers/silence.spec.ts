import { expect } from "chai";
import { inputLayer, refusal } from "../support/net.js";

describe("Silence", () => {
  it("refuses a top", () => {
    expect(refusal(`${inputLayer("x", 3)}layer { name: "l" type: "Silence" bottom: "x" top: "y"  }`)).to.equal(
      'net:2:52: layer "l": Silence layers take 0 tops, not 1',
    );
  });

  it("refuses to have no bottom", () => {
    expect(refusal(`layer { name: "l" type: "Silence"   }`)).to.equal(
      'net:1:1: layer "l": Silence layers take at least 1 bottom, not 0',
    );
  });
});
