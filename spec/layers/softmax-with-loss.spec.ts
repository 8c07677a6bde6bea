import { expect } from "chai";
import { inputLayer, refusal } from "../support/net.js";

describe("SoftmaxWithLoss", () => {
  it("refuses labels that are not one for each prediction", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3, 4)}${inputLayer("t", 2, 3)}layer { name: "l" type: "SoftmaxWithLoss" bottom: "x" bottom: "t" top: "y" }`,
      ),
    ).to.equal(
      [
        'net:3:63: layer "l": bottom "t" [2,3] is not a label for each of the 8 predictions of bottom "x" [2,3,4]',
        "note: with axis 1 as that of the classes the labels are [2,4]",
      ].join("\n"),
    );
  });

  it("refuses labels with another first axis", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3, 4)}${inputLayer("t", 8)}layer { name: "l" type: "SoftmaxWithLoss" bottom: "x" bottom: "t" top: "y" }`,
      ),
    ).to.equal('net:3:63: layer "l": bottom "t" [8] and bottom "x" [2,3,4] differ in their first axis, the batch');
  });

  it("refuses an axis that the bottom does not have", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}${inputLayer("t", 2)}layer { name: "l" type: "SoftmaxWithLoss" bottom: "x" bottom: "t" top: "y" softmax_param { axis: -3 } }`,
      ),
    ).to.equal(
      ['net:3:98: layer "l": axis -3 is out of range for a blob of 2 axes', "note: axes here go from -2 to 1"].join(
        "\n",
      ),
    );
  });
});
