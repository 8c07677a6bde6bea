import { expect } from "chai";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

describe("AbsVal", () => {
  it("refuses to work in place", () => {
    expect(refusal(`${inputLayer("x", 3)}layer { name: "l" type: "AbsVal" bottom: "x" top: "x"  }`)).to.equal(
      [
        'net:2:51: layer "l": AbsVal layers do not work in place: "x" is both bottom and top',
        "note: give the top a name of its own",
      ].join("\n"),
    );
  });

  it("has no gradient at 0", async () => {
    const text = `${inputLayer("x", 3)}layer { name: "l" type: "AbsVal" bottom: "x" top: "y" }`;
    const { blobs, gradients } = await runText(text, { x: tensor([-2, 0, 3]) }, { seeds: { y: tensor([1, 1, 1]) } });
    expect([...blobs["y"]!.data]).to.deep.equal([2, 0, 3]);
    expect([...gradients["x"]!.data]).to.deep.equal([-1, 0, 1]);
  });
});
