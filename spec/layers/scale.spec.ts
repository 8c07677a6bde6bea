import { expect } from "chai";
import { inputLayer, lowerText, refusal, runText, tensor } from "../support/net.js";

describe("Scale", () => {
  it("refuses more axes than follow", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}layer { name: "l" type: "Scale" bottom: "x" top: "y" scale_param { axis: 1 num_axes: 2 } }`,
      ),
    ).to.equal('net:2:86: layer "l": 2 axes from axis 1 on go beyond the 2 axes of [2,3]');
  });

  it("refuses a num_axes below -1", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}layer { name: "l" type: "Scale" bottom: "x" top: "y" scale_param { num_axes: -2 } }`,
      ),
    ).to.equal('net:2:78: layer "l": num_axes -2 is neither a number of axes nor -1 for all');
  });

  it("refuses an axis that the bottom does not have", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}layer { name: "l" type: "Scale" bottom: "x" top: "y" scale_param { axis: -3 } }`,
      ),
    ).to.equal(
      ['net:2:74: layer "l": axis -3 is out of range for a blob of 2 axes', "note: axes here go from -2 to 1"].join(
        "\n",
      ),
    );
  });

  it("refuses a second bottom with other dims", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}${inputLayer("s", 2)}layer { name: "l" type: "Scale" bottom: "x" bottom: "s" top: "y"  }`,
      ),
    ).to.equal('net:3:53: layer "l": [2] does not match [2,3] from axis 1 on');
  });

  it("refuses a second bottom with axes beyond the first's", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}${inputLayer("s", 3, 1)}layer { name: "l" type: "Scale" bottom: "x" bottom: "s" top: "y"  }`,
      ),
    ).to.equal('net:3:53: layer "l": [3,1] does not match [2,3] from axis 1 on');
  });

  it("has a trainable bias of the second bottom's axes", async () => {
    const text = `${inputLayer("x", 2, 2)}${inputLayer("s", 2)}layer { name: "l" type: "Scale" bottom: "x" bottom: "s" top: "y" scale_param { axis: 0 bias_term: true bias_filler { value: 5 } } }`;
    const inputs = { x: tensor([1, 2, 3, 4], [2, 2]), s: tensor([10, 100]) };
    const ran = await runText(text, inputs, { seeds: { y: tensor([1, 1, 1, 1], [2, 2]) } });
    expect([...ran.blobs["y"]!.data]).to.deep.equal([15, 25, 305, 405]);
    expect([...ran.gradients["s"]!.data]).to.deep.equal([3, 7]);
    expect([...ran.parameters["l/0"]!]).to.deep.equal([2, 2]);
  });

  it("takes a scalar for num_axes 0 and a second bottom without axes", () => {
    const trainable = lowerText(
      `${inputLayer("x", 2, 3)}layer { name: "l" type: "Scale" bottom: "x" top: "y" scale_param { num_axes: 0 } }`,
    );
    expect(trainable.parameters[0]!.spec.shape).to.deep.equal([]);
    const given = lowerText(
      `${inputLayer("x", 2, 3)}${inputLayer("s")}layer { name: "l" type: "Scale" bottom: "x" bottom: "s" top: "y" scale_param { axis: 5 } }`,
    );
    expect(given.blobs.get("y")!.type.shape).to.deep.equal([2, 3]);
  });
});
