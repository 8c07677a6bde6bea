import { expect } from "chai";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

describe("Bias", () => {
  it("has one number for all channels where a fork's channel_shared says so", async () => {
    const text = (param: string) =>
      `${inputLayer("x", 2, 3)}layer { name: "l" type: "Bias" bottom: "x" top: "y" bias_param { ${param} } }`;
    const x = tensor([1, 2, 3, 4, 5, 6], [2, 3]);
    const shared = await runText(text("channel_shared: true"), { x }, { params: { "l/0": [0.5] } });
    expect([...shared.blobs["y"]!.data]).to.deep.equal([1.5, 2.5, 3.5, 4.5, 5.5, 6.5]);
    const own = await runText(text("channel_shared: false"), { x }, { params: { "l/0": [1, 2, 3] } });
    expect([...own.blobs["y"]!.data]).to.deep.equal([2, 4, 6, 5, 7, 9]);
  });

  it("refuses more axes than follow", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}layer { name: "l" type: "Bias" bottom: "x" top: "y" bias_param { axis: 1 num_axes: 2 } }`,
      ),
    ).to.equal('net:2:84: layer "l": 2 axes from axis 1 on go beyond the 2 axes of [2,3]');
  });

  it("refuses a num_axes below -1", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}layer { name: "l" type: "Bias" bottom: "x" top: "y" bias_param { num_axes: -2 } }`,
      ),
    ).to.equal('net:2:76: layer "l": num_axes -2 is neither a number of axes nor -1 for all');
  });

  it("refuses an axis that the bottom does not have", () => {
    expect(
      refusal(`${inputLayer("x", 2, 3)}layer { name: "l" type: "Bias" bottom: "x" top: "y" bias_param { axis: 2 } }`),
    ).to.equal(
      ['net:2:72: layer "l": axis 2 is out of range for a blob of 2 axes', "note: axes here go from -2 to 1"].join(
        "\n",
      ),
    );
  });

  it("refuses a second bottom with other dims", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}${inputLayer("b", 2)}layer { name: "l" type: "Bias" bottom: "x" bottom: "b" top: "y"  }`,
      ),
    ).to.equal('net:3:52: layer "l": [2] does not match [2,3] from axis 1 on');
  });
});
