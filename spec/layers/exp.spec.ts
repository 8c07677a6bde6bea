import { expect } from "chai";
import { inputLayer, refusal } from "../support/net.js";

describe("Exp", () => {
  it("refuses a base that is not positive", () => {
    expect(
      refusal(`${inputLayer("x", 3)}layer { name: "l" type: "Exp" bottom: "x" top: "y" exp_param { base: -2 } }`),
    ).to.equal(['net:2:70: layer "l": base -2 must be greater than 0', "note: base: -1 stands for e"].join("\n"));
  });

  it("refuses an infinite base", () => {
    expect(
      refusal(`${inputLayer("x", 3)}layer { name: "l" type: "Exp" bottom: "x" top: "y" exp_param { base: inf } }`),
    ).to.equal('net:2:70: layer "l": the logarithm of base Infinity is Infinity');
  });
});
