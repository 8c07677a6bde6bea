import { expect } from "chai";
import { inputLayer, refusal } from "../support/net.js";

describe("Deconvolution", () => {
  it("refuses pads that leave nothing", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 2, 2)}layer { name: "l" type: "Deconvolution" bottom: "x" top: "y" convolution_param { num_output: 1 kernel_size: 2 pad: 2 } }`,
      ),
    ).to.equal('net:2:116: layer "l": pad 2 leaves -1 entries of axis 2');
  });

  it("refuses a group that does not divide num_output", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 4, 5, 5)}layer { name: "l" type: "Deconvolution" bottom: "x" top: "y" convolution_param { num_output: 3 kernel_size: 3 group: 2 } }`,
      ),
    ).to.equal('net:2:118: layer "l": group 2 does not divide num_output 3');
  });
});
