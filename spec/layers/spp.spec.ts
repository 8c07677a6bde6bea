import { expect } from "chai";
import { inputLayer, refusal } from "../support/net.js";

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
});
