import { expect } from "chai";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

describe("Log", () => {
  it("refuses a base that is not positive", () => {
    expect(
      refusal(`${inputLayer("x", 3)}layer { name: "l" type: "Log" bottom: "x" top: "y" log_param { base: 0 } }`),
    ).to.equal(['net:2:70: layer "l": base 0 must be greater than 0', "note: base: -1 stands for e"].join("\n"));
  });

  it("refuses base 1, whose logarithm is 0", () => {
    expect(
      refusal(`${inputLayer("x", 3)}layer { name: "l" type: "Log" bottom: "x" top: "y" log_param { base: 1 } }`),
    ).to.equal('net:2:70: layer "l": 1 / log(base) is Infinity for base 1');
  });

  it("has base e where the base is -1", async () => {
    const text = `${inputLayer("x", 2)}layer { name: "l" type: "Log" bottom: "x" top: "y" log_param { scale: 2 shift: 1 } }`;
    const { blobs, gradients } = await runText(text, { x: tensor([0, 1]) }, { seeds: { y: tensor([1, 1]) } });
    expect(blobs["y"]!.data[1]).to.be.closeTo(Math.log(3), 1e-6);
    expect([...gradients["x"]!.data].map((value) => value.toFixed(5))).to.deep.equal(["2.00000", "0.66667"]);
  });
});
