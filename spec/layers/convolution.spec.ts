import { expect } from "chai";
import { inputLayer, lowerText, refusal, runText, tensor } from "../support/net.js";

describe("Convolution", () => {
  it("refuses a kernel that is larger than the padded input", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 2, 5)}layer { name: "l" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 1 kernel_size: 5 pad: 1 } }`,
      ),
    ).to.equal(
      [
        'net:2:107: layer "l": the kernel covers 5 entries of axis 2, which has 2 and pads of 1',
        'note: bottom "x" is [1,1,2,5]',
      ].join("\n"),
    );
  });

  it("refuses a dilated kernel that is larger than the input", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 4, 4)}layer { name: "l" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 1 kernel_size: 3 dilation: 2 } }`,
      ),
    ).to.equal(
      [
        'net:2:107: layer "l": the kernel covers 5 entries of axis 2, which has 4 and pads of 0',
        'note: bottom "x" is [1,1,4,4]',
      ].join("\n"),
    );
  });

  it("refuses pad together with pad_h", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 5, 5)}layer { name: "l" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 1 kernel_size: 3 pad: 1 pad_h: 1 } }`,
      ),
    ).to.equal('net:2:114: layer "l": either pad or pad_h and pad_w, not both');
  });

  it("refuses kernel_size together with kernel_h and kernel_w", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 5, 5)}layer { name: "l" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 1 kernel_size: 3 kernel_h: 3 kernel_w: 3 } }`,
      ),
    ).to.equal('net:2:107: layer "l": either kernel_size or kernel_h and kernel_w, not both');
  });

  it("refuses stride together with stride_h and stride_w", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 5, 5)}layer { name: "l" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 1 kernel_size: 3 stride: 2 stride_h: 1 stride_w: 1 } }`,
      ),
    ).to.equal('net:2:117: layer "l": either stride or stride_h and stride_w, not both');
  });

  it("refuses kernel_h and kernel_w for one spatial axis", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 5)}layer { name: "l" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 1 kernel_h: 3 kernel_w: 3 } }`,
      ),
    ).to.equal('net:2:104: layer "l": kernel_h and kernel_w are for 2 spatial axes, here are 1');
  });

  it("refuses to go without a kernel", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 5, 5)}layer { name: "l" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 1 } }`,
      ),
    ).to.equal(
      ['net:2:60: layer "l": kernel_size is missing', "note: write kernel_size: N, or kernel_h and kernel_w"].join(
        "\n",
      ),
    );
  });

  it("refuses kernel_h without kernel_w, which is then 0", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 5, 5)}layer { name: "l" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 1 kernel_h: 3 } }`,
      ),
    ).to.equal('net:2:104: layer "l": kernel dimensions must be greater than 0');
  });

  it("refuses a kernel of 0", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 5, 5)}layer { name: "l" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 1 kernel_size: 0 } }`,
      ),
    ).to.equal('net:2:107: layer "l": kernel dimensions must be greater than 0');
  });

  it("refuses a number of kernel sizes that is neither 1 nor that of the spatial axes", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 5, 5)}layer { name: "l" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 1 kernel_size: 3 kernel_size: 3 kernel_size: 3 } }`,
      ),
    ).to.equal(
      [
        'net:2:107: layer "l": kernel_size is given 3 times for 2 spatial axes',
        "note: give it once, or once an axis",
      ].join("\n"),
    );
  });

  it("refuses a number of strides that is neither 1 nor that of the spatial axes", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 5, 5, 5)}layer { name: "l" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 1 kernel_size: 3 stride: 1 stride: 2 } }`,
      ),
    ).to.equal(
      ['net:2:117: layer "l": stride is given 2 times for 3 spatial axes', "note: give it once, or once an axis"].join(
        "\n",
      ),
    );
  });

  it("refuses a stride of 0", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 5, 5)}layer { name: "l" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 1 kernel_size: 3 stride: 0 } }`,
      ),
    ).to.equal('net:2:117: layer "l": stride must be greater than 0');
  });

  it("refuses a dilation of 0", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 5, 5)}layer { name: "l" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 1 kernel_size: 3 dilation: 0 } }`,
      ),
    ).to.equal('net:2:119: layer "l": dilation must be greater than 0');
  });

  it("refuses a num_output of 0", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 5, 5)}layer { name: "l" type: "Convolution" bottom: "x" top: "y" convolution_param { kernel_size: 3 } }`,
      ),
    ).to.equal('net:2:60: layer "l": num_output must be greater than 0');
  });

  it("refuses a group that does not divide the channels", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 3, 5, 5)}layer { name: "l" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 4 kernel_size: 3 group: 2 } }`,
      ),
    ).to.equal('net:2:116: layer "l": group 2 does not divide the 3 channels of bottom "x"');
  });

  it("refuses a group that does not divide num_output", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 4, 5, 5)}layer { name: "l" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 3 kernel_size: 3 group: 2 } }`,
      ),
    ).to.equal('net:2:116: layer "l": group 2 does not divide num_output 3');
  });

  it("refuses an axis that the bottom does not have", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 5, 5)}layer { name: "l" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 1 kernel_size: 3 axis: 4 } }`,
      ),
    ).to.equal(
      ['net:2:115: layer "l": axis 4 is out of range for a blob of 4 axes', "note: axes here go from -4 to 3"].join(
        "\n",
      ),
    );
  });

  it("refuses bottoms of different shapes", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 5, 5)}${inputLayer("z", 1, 1, 6, 6)}layer { name: "l" type: "Convolution" bottom: "x" bottom: "z" top: "y" top: "w" convolution_param { num_output: 1 kernel_size: 3 } }`,
      ),
    ).to.equal('net:3:59: layer "l": bottom "z" [1,1,6,6] and bottom "x" [1,1,5,5] differ in shape');
  });

  it("refuses more bottoms than tops", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 5, 5)}${inputLayer("z", 1, 1, 5, 5)}layer { name: "l" type: "Convolution" bottom: "x" bottom: "z" top: "y" convolution_param { num_output: 1 kernel_size: 3 } }`,
      ),
    ).to.equal('net:3:1: layer "l": Convolution layers have as many tops as bottoms, not 1 for 2');
  });

  it("is an inner product over the channels where there is no spatial axis", async () => {
    const text = `${inputLayer("x", 2, 2)}layer { name: "l" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 1 } }`;
    const { blobs } = await runText(
      text,
      { x: tensor([1, 2, 3, 4], [2, 2]) },
      { params: { "l/0": [1, 10], "l/1": [0.5] } },
    );
    expect(blobs["y"]).to.deep.equal(tensor([21.5, 43.5], [2, 1]));
  });

  it("counts all axes before the channels as batch", () => {
    const net = lowerText(
      `${inputLayer("x", 2, 3, 4, 5, 6)}layer { name: "l" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 7 kernel_size: 3 axis: -3 } }`,
    );
    expect(net.blobs.get("y")!.type.shape).to.deep.equal([2, 3, 7, 3, 4]);
  });
});
