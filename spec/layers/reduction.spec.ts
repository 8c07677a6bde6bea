import { expect } from "chai";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

describe("Reduction", () => {
  it("refuses an axis that the bottom does not have", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}layer { name: "l" type: "Reduction" bottom: "x" top: "y" reduction_param { axis: 2 } }`,
      ),
    ).to.equal(
      ['net:2:82: layer "l": axis 2 is out of range for a blob of 2 axes', "note: axes here go from -2 to 1"].join(
        "\n",
      ),
    );
  });

  it("refuses a scalar", () => {
    expect(refusal(`${inputLayer("x")}layer { name: "l" type: "Reduction" bottom: "x" top: "y"  }`)).to.equal(
      ['net:2:1: layer "l": axis 0 is out of range for a blob of 0 axes', "note: the bottom is a scalar"].join("\n"),
    );
  });

  it("scales by coeff, and reduces to a scalar from axis 0 on", async () => {
    const text = `${inputLayer("x", 2, 2)}layer { name: "l" type: "Reduction" bottom: "x" top: "y" reduction_param { operation: MEAN coeff: 6 } }`;
    const { blobs, gradients } = await runText(
      text,
      { x: tensor([1, 2, 3, 4], [2, 2]) },
      { seeds: { y: tensor([1], []) } },
    );
    expect(blobs["y"]!.shape).to.deep.equal([]);
    expect([...blobs["y"]!.data]).to.deep.equal([15]);
    expect([...gradients["x"]!.data]).to.deep.equal([1.5, 1.5, 1.5, 1.5]);
  });
});
