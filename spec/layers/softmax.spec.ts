import { expect } from "chai";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

describe("Softmax", () => {
  it("refuses an axis after the last", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}layer { name: "l" type: "Softmax" bottom: "x" top: "y" softmax_param { axis: 2 } }`,
      ),
    ).to.equal(
      ['net:2:78: layer "l": axis 2 is out of range for a blob of 2 axes', "note: axes here go from -2 to 1"].join(
        "\n",
      ),
    );
  });

  it("refuses an axis before the first", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}layer { name: "l" type: "Softmax" bottom: "x" top: "y" softmax_param { axis: -3 } }`,
      ),
    ).to.equal(
      ['net:2:78: layer "l": axis -3 is out of range for a blob of 2 axes', "note: axes here go from -2 to 1"].join(
        "\n",
      ),
    );
  });

  it("refuses a scalar", () => {
    expect(
      refusal(`${inputLayer("x")}layer { name: "l" type: "Softmax" bottom: "x" top: "y" softmax_param { axis: 0 } }`),
    ).to.equal(
      ['net:2:78: layer "l": axis 0 is out of range for a blob of 0 axes', "note: the bottom is a scalar"].join("\n"),
    );
  });

  it("does not overflow", async () => {
    const text = `${inputLayer("x", 1, 3)}layer { name: "l" type: "Softmax" bottom: "x" top: "y" softmax_param { axis: -1 } }`;
    const { blobs } = await runText(text, { x: tensor([1e30, 1e30, -1e30], [1, 3]) });
    expect([...blobs["y"]!.data]).to.deep.equal([0.5, 0.5, 0]);
  });
});
