import { expect } from "chai";
import { inputLayer, lowerText, refusal } from "../support/net.js";

describe("Concat", () => {
  it("refuses bottoms that differ off the axis", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}${inputLayer("z", 4, 3)}layer { name: "l" type: "Concat" bottom: "x" bottom: "z" top: "y"  }`,
      ),
    ).to.equal(
      [
        'net:3:54: layer "l": [4,3] does not join [2,3] along axis 1',
        "note: all bottoms have the same axes and, but for that one, the same dims",
      ].join("\n"),
    );
  });

  it("refuses bottoms with different numbers of axes", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}${inputLayer("z", 2, 3, 1)}layer { name: "l" type: "Concat" bottom: "x" bottom: "z" top: "y"  }`,
      ),
    ).to.equal(
      [
        'net:3:54: layer "l": [2,3,1] does not join [2,3] along axis 1',
        "note: all bottoms have the same axes and, but for that one, the same dims",
      ].join("\n"),
    );
  });

  it("refuses axis and concat_dim together", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}layer { name: "l" type: "Concat" bottom: "x" top: "y" concat_param { axis: 1 concat_dim: 1 } }`,
      ),
    ).to.equal('net:2:90: layer "l": give axis or concat_dim, not both');
  });

  it("refuses an axis that the bottoms do not have", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}layer { name: "l" type: "Concat" bottom: "x" top: "y" concat_param { axis: 2 } }`,
      ),
    ).to.equal(
      ['net:2:76: layer "l": axis 2 is out of range for a blob of 2 axes', "note: axes here go from -2 to 1"].join(
        "\n",
      ),
    );
  });

  it("refuses a concat_dim that the bottoms do not have", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}layer { name: "l" type: "Concat" bottom: "x" top: "y" concat_param { concat_dim: 2 } }`,
      ),
    ).to.equal('net:2:82: layer "l": concat_dim 2 is out of range for a blob of 2 axes');
  });

  it("refuses a negative concat_dim, which is unsigned", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}layer { name: "l" type: "Concat" bottom: "x" top: "y" concat_param { concat_dim: -1 } }`,
      ),
    ).to.equal("net:2:82: concat_dim is from 0 to 4294967295, found -1");
  });

  it("passes a single bottom", () => {
    const net = lowerText(`${inputLayer("x", 2, 3)}layer { name: "l" type: "Concat" bottom: "x" top: "y" }`);
    expect(net.blobs.get("y")!.type.shape).to.deep.equal([2, 3]);
  });
});
