import { expect } from "chai";
import { inputLayer, lowerText, refusal } from "../support/net.js";

describe("Slice", () => {
  it("refuses tops that do not divide the axis", () => {
    expect(
      refusal(`${inputLayer("x", 2, 5)}layer { name: "l" type: "Slice" bottom: "x" top: "a" top: "b"  }`),
    ).to.equal(
      [
        'net:2:50: layer "l": 2 tops do not divide the 5 entries of axis 1 evenly',
        "note: give a slice_point between each two tops to cut unevenly",
      ].join("\n"),
    );
  });

  it("refuses another number of points than between the tops", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 5)}layer { name: "l" type: "Slice" bottom: "x" top: "a" top: "b" slice_param { slice_point: 1 slice_point: 2 } }`,
      ),
    ).to.equal(
      ['net:2:90: layer "l": 2 slice_point for 2 tops', "note: give one between each two tops, or none"].join("\n"),
    );
  });

  it("refuses points that do not rise", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 5)}layer { name: "l" type: "Slice" bottom: "x" top: "a" top: "b" top: "c" slice_param { slice_point: 3 slice_point: 3 } }`,
      ),
    ).to.equal('net:2:99: layer "l": slice_point 3 is not greater than 3 before it');
  });

  it("refuses a point at 0", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 5)}layer { name: "l" type: "Slice" bottom: "x" top: "a" top: "b" slice_param { slice_point: 0 } }`,
      ),
    ).to.equal('net:2:90: layer "l": slice_point 0 is not greater than 0 before it');
  });

  it("refuses a point beyond the axis", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 5)}layer { name: "l" type: "Slice" bottom: "x" top: "a" top: "b" slice_param { slice_point: 6 } }`,
      ),
    ).to.equal('net:2:90: layer "l": slice_point 6 is beyond the 5 entries of axis 1');
  });

  it("refuses more tops than entries", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 2)}layer { name: "l" type: "Slice" bottom: "x" top: "a" top: "b" top: "c" slice_param { slice_point: 1 slice_point: 2 } }`,
      ),
    ).to.equal('net:2:50: layer "l": 3 tops for the 2 entries of axis 1');
  });

  it("refuses axis and slice_dim together", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 4)}layer { name: "l" type: "Slice" bottom: "x" top: "a" top: "b" slice_param { axis: 1 slice_dim: 1 } }`,
      ),
    ).to.equal('net:2:96: layer "l": give axis or slice_dim, not both');
  });

  it("refuses a slice_dim that the bottom does not have", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 4)}layer { name: "l" type: "Slice" bottom: "x" top: "a" top: "b" slice_param { slice_dim: 2 } }`,
      ),
    ).to.equal('net:2:88: layer "l": slice_dim 2 is out of range for a blob of 2 axes');
  });

  it("cuts the whole bottom, up to the end of the axis", () => {
    const net = lowerText(
      `${inputLayer("x", 2, 5)}layer { name: "l" type: "Slice" bottom: "x" top: "a" top: "b" top: "c" slice_param { axis: -1 slice_point: 1 slice_point: 3 } }`,
    );
    expect(["a", "b", "c"].map((name) => net.blobs.get(name)!.type.shape)).to.deep.equal([
      [2, 1],
      [2, 2],
      [2, 2],
    ]);
  });
});
