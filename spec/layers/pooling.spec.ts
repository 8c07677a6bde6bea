import { expect } from "chai";
import { inputLayer, refusal } from "../support/net.js";

describe("Pooling", () => {
  it("refuses a blob that does not have 4 axes", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 2, 6)}layer { name: "l" type: "Pooling" bottom: "x" top: "y" pooling_param { kernel_size: 2 } }`,
      ),
    ).to.equal('net:2:43: layer "l": bottom "x" [1,2,6] does not have 4 axes');
  });

  it("refuses kernel_size together with kernel_h and kernel_w", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 6, 6)}layer { name: "l" type: "Pooling" bottom: "x" top: "y" pooling_param { kernel_size: 2 kernel_h: 2 kernel_w: 2 } }`,
      ),
    ).to.equal('net:2:85: layer "l": give kernel_size, or both kernel_h and kernel_w');
  });

  it("refuses to go without a kernel", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 6, 6)}layer { name: "l" type: "Pooling" bottom: "x" top: "y" pooling_param { stride: 2 } }`,
      ),
    ).to.equal('net:2:56: layer "l": give kernel_size, or both kernel_h and kernel_w');
  });

  it("refuses kernel_h alone", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 6, 6)}layer { name: "l" type: "Pooling" bottom: "x" top: "y" pooling_param { kernel_h: 2 } }`,
      ),
    ).to.equal('net:2:82: layer "l": kernel_h and kernel_w go together');
  });

  it("refuses a kernel of 0", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 6, 6)}layer { name: "l" type: "Pooling" bottom: "x" top: "y" pooling_param { kernel_size: 0 } }`,
      ),
    ).to.equal('net:2:85: layer "l": kernel dimensions must be greater than 0');
  });

  it("refuses global_pooling together with a kernel", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 6, 6)}layer { name: "l" type: "Pooling" bottom: "x" top: "y" pooling_param { global_pooling: true kernel_size: 2 } }`,
      ),
    ).to.equal(
      'net:2:88: layer "l": with global_pooling the kernel is the whole input; kernel_size cannot be given too',
    );
  });

  it("refuses global_pooling with a stride", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 6, 6)}layer { name: "l" type: "Pooling" bottom: "x" top: "y" pooling_param { global_pooling: true stride: 2 } }`,
      ),
    ).to.equal('net:2:88: layer "l": with global_pooling only pad 0 and stride 1 are possible');
  });

  it("refuses pad together with pad_h and pad_w", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 6, 6)}layer { name: "l" type: "Pooling" bottom: "x" top: "y" pooling_param { kernel_size: 3 pad: 1 pad_h: 1 pad_w: 1 } }`,
      ),
    ).to.equal('net:2:92: layer "l": give pad, or both pad_h and pad_w');
  });

  it("refuses pad_h alone", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 6, 6)}layer { name: "l" type: "Pooling" bottom: "x" top: "y" pooling_param { kernel_size: 3 pad_h: 1 } }`,
      ),
    ).to.equal('net:2:94: layer "l": give pad, or both pad_h and pad_w');
  });

  it("refuses stride_w alone", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 6, 6)}layer { name: "l" type: "Pooling" bottom: "x" top: "y" pooling_param { kernel_size: 3 stride_w: 1 } }`,
      ),
    ).to.equal('net:2:97: layer "l": give stride, or both stride_h and stride_w');
  });

  it("refuses a pad that is not smaller than the kernel", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 6, 6)}layer { name: "l" type: "Pooling" bottom: "x" top: "y" pooling_param { kernel_size: 2 pad: 2 } }`,
      ),
    ).to.equal('net:2:92: layer "l": pad [2,2] must be smaller than the kernel [2,2]');
  });

  it("refuses padding for STOCHASTIC", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 6, 6)}layer { name: "l" type: "Pooling" bottom: "x" top: "y" pooling_param { kernel_size: 3 pad: 1 pool: STOCHASTIC } }`,
      ),
    ).to.equal('net:2:92: layer "l": padding is for MAX and AVE pooling only');
  });

  it("refuses a kernel that leaves no window", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 3, 6)}layer { name: "l" type: "Pooling" bottom: "x" top: "y" pooling_param { kernel_size: 5 } }`,
      ),
    ).to.equal('net:2:85: layer "l": the kernel [5,5] does not fit into [3,6] with pad [0,0] and stride [1,1]');
  });

  it("refuses a mask for AVE", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 6, 6)}layer { name: "l" type: "Pooling" bottom: "x" top: "y" top: "mask" pooling_param { pool: AVE kernel_size: 2 } }`,
      ),
    ).to.equal('net:2:90: layer "l": only MAX pooling has a second top, the mask');
  });
});
