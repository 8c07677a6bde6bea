import { expect } from "chai";
import { inputLayer, refusal } from "../support/net.js";

describe("Split", () => {
  it("refuses to work in place", () => {
    expect(refusal(`${inputLayer("x", 3)}layer { name: "l" type: "Split" bottom: "x" top: "x" top: "y"  }`)).to.equal(
      [
        'net:2:50: layer "l": Split layers do not work in place: "x" is both bottom and top',
        "note: give the top a name of its own",
      ].join("\n"),
    );
  });
});
