import { expect } from "chai";
import { inputLayer, refusal } from "../support/net.js";

describe("BatchNorm", () => {
  it("refuses a blob without channels", () => {
    expect(refusal(`${inputLayer("x", 4)}layer { name: "l" type: "BatchNorm" bottom: "x" top: "y" }`)).to.equal(
      'net:2:45: layer "l": bottom "x" [4] has no channels, axis 1',
    );
  });

  it("refuses to learn its statistics", () => {
    expect(
      refusal(
        `${inputLayer("x", 4, 2)}layer { name: "l" type: "BatchNorm" bottom: "x" top: "y" param { lr_mult: 0 } param { lr_mult: 1 } }`,
      ),
    ).to.equal(
      [
        'net:2:58: layer "l": running statistics are not learnt: their lr_mult is 0',
        "note: leave param out, or set lr_mult: 0 in each",
      ].join("\n"),
    );
  });
});
