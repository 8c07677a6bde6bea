import { expect } from "chai";
import { inputLayer, lowerText, refusal, runText, tensor } from "../support/net.js";

describe("SPP", () => {
  it("refuses a pyramid of no levels", () => {
    expect(refusal(`${inputLayer("x", 1, 1, 8, 8)}layer { name: "l" type: "SPP" bottom: "x" top: "y" }`)).to.equal(
      'net:2:1: layer "l": pyramid_height must be greater than 0',
    );
  });

  it("refuses an input that is too small for a level", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 3, 3)}layer { name: "l" type: "SPP" bottom: "x" top: "y" spp_param { pyramid_height: 3 } }`,
      ),
    ).to.equal('net:2:52: layer "l": pad [1,1] must be smaller than the kernel [1,1]');
  });

  it("refuses STOCHASTIC where a level needs padding", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 9, 9)}layer { name: "l" type: "SPP" bottom: "x" top: "y" spp_param { pyramid_height: 2 pool: STOCHASTIC } }`,
      ),
    ).to.equal('net:2:52: layer "l": padding is for MAX and AVE pooling only');
  });

  it("refuses a blob that does not have 4 axes", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 9, 9)}layer { name: "l" type: "SPP" bottom: "x" top: "y" spp_param { pyramid_height: 2 } }`,
      ),
    ).to.equal('net:2:39: layer "l": bottom "x" [1,9,9] does not have 4 axes');
  });

  it("leaves a single level as it was pooled, [n, c, 1, 1]", () => {
    const net = lowerText(
      `${inputLayer("x", 2, 3, 5, 4)}layer { name: "l" type: "SPP" bottom: "x" top: "y" spp_param { pyramid_height: 1 } }`,
    );
    expect(net.blobs.get("y")!.type.shape).to.deep.equal([2, 3, 1, 1]);
  });

  it("draws in STOCHASTIC also in TEST, as Caffe does", async () => {
    const text = `${inputLayer("x", 1, 1, 1, 2)}layer { name: "l" type: "SPP" bottom: "x" top: "y" spp_param { pyramid_height: 1 pool: STOCHASTIC } }`;
    const { blobs } = await runText(text, { x: tensor([0, 4], [1, 1, 1, 2]) });
    expect([...blobs["y"]!.data]).to.deep.equal([4]);
  });
});
