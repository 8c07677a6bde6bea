import { expect } from "chai";
import { inputLayer, refusal } from "../support/net.js";

describe("Im2col", () => {
  it("refuses a kernel that is larger than the input", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 2, 2)}layer { name: "l" type: "Im2col" bottom: "x" top: "y" convolution_param { kernel_size: 3 } }`,
      ),
    ).to.equal(
      [
        'net:2:88: layer "l": the kernel covers 3 entries of axis 2, which has 2 and pads of 0',
        'note: bottom "x" is [1,1,2,2]',
      ].join("\n"),
    );
  });

  it("refuses a blob without a spatial axis", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 4)}layer { name: "l" type: "Im2col" bottom: "x" top: "y" convolution_param { kernel_size: 1 } }`,
      ),
    ).to.equal('net:2:55: layer "l": there is no spatial axis behind axis 1 of a blob of 2 axes');
  });
});
