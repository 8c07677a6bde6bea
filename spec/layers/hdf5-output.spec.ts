import { expect } from "chai";
import { inputLayer, refusal } from "../support/net.js";

describe("HDF5Output", () => {
  it("refuses bottoms of different numbers of items", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}${inputLayer("z", 3)}layer { name: "l" type: "HDF5Output" bottom: "x" bottom: "z" hdf5_output_param { file_name: "o.h5" } }`,
      ),
    ).to.equal('net:3:58: layer "l": [3] does not have as many items as [2,3]');
  });
});
