import { expect } from "chai";
import { inputLayer, lowerText, refusal } from "../support/net.js";

describe("Reshape", () => {
  it("refuses to work in place", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}layer { name: "l" type: "Reshape" bottom: "x" top: "x" reshape_param { shape { dim: 6 } } }`,
      ),
    ).to.equal(
      [
        'net:2:52: layer "l": Reshape layers do not work in place: "x" is both bottom and top',
        "note: give the top a name of its own",
      ].join("\n"),
    );
  });

  it("refuses more than one -1", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}layer { name: "l" type: "Reshape" bottom: "x" top: "y" reshape_param { shape { dim: -1 dim: -1 } } }`,
      ),
    ).to.equal(['net:2:72: layer "l": more than one -1 in shape', "note: one dim can be inferred"].join("\n"));
  });

  it("refuses a dim below -1", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}layer { name: "l" type: "Reshape" bottom: "x" top: "y" reshape_param { shape { dim: -2 dim: 3 } } }`,
      ),
    ).to.equal(['net:2:72: layer "l": a dim of -2', "note: 0 copies the bottom's dim, -1 is inferred"].join("\n"));
  });

  it("refuses a 0 where the bottom has no axis to copy", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}layer { name: "l" type: "Reshape" bottom: "x" top: "y" reshape_param { shape { dim: 2 dim: 3 dim: 0 } } }`,
      ),
    ).to.equal('net:2:72: layer "l": dim 2 of shape is 0, but the bottom has no axis 2 to copy');
  });

  it("refuses another count", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}layer { name: "l" type: "Reshape" bottom: "x" top: "y" reshape_param { shape { dim: 4 dim: 2 } } }`,
      ),
    ).to.equal('net:2:72: layer "l": [2,3] has 6 values, [4,2] has 8');
  });

  it("refuses to infer a dim that is no whole number", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}layer { name: "l" type: "Reshape" bottom: "x" top: "y" reshape_param { shape { dim: 4 dim: -1 } } }`,
      ),
    ).to.equal('net:2:72: layer "l": the 6 values of [2,3] are not a multiple of the 4 that the other dims make');
  });

  it("refuses an axis too far after the last", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}layer { name: "l" type: "Reshape" bottom: "x" top: "y" reshape_param { axis: 3 shape { dim: 1 } } }`,
      ),
    ).to.equal(
      [
        'net:2:78: layer "l": axis 3 is out of range for a blob of 2 axes',
        "note: axes here go from -3 to 2, the place behind the last one included",
      ].join("\n"),
    );
  });

  it("refuses an axis too far before the first", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}layer { name: "l" type: "Reshape" bottom: "x" top: "y" reshape_param { axis: -4 shape { dim: 1 } } }`,
      ),
    ).to.equal(
      [
        'net:2:78: layer "l": axis -4 is out of range for a blob of 2 axes',
        "note: axes here go from -3 to 2, the place behind the last one included",
      ].join("\n"),
    );
  });

  it("refuses a num_axes below -1", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}layer { name: "l" type: "Reshape" bottom: "x" top: "y" reshape_param { num_axes: -2 shape { dim: 6 } } }`,
      ),
    ).to.equal('net:2:82: layer "l": num_axes -2 is neither a number of axes nor -1 for all');
  });

  it("refuses more axes than follow", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}layer { name: "l" type: "Reshape" bottom: "x" top: "y" reshape_param { axis: 1 num_axes: 2 shape { dim: 3 } } }`,
      ),
    ).to.equal('net:2:90: layer "l": axis 1 and 2 axes go beyond the 2 axes of the bottom');
  });

  const shapeOf = (param: string) =>
    lowerText(
      `${inputLayer("x", 2, 3, 4)}layer { name: "l" type: "Reshape" bottom: "x" top: "y" reshape_param { ${param} } }`,
    ).blobs.get("y")!.type.shape;

  it("copies dims of 0, infers -1, and replaces the given axes", () => {
    expect(shapeOf("shape { dim: 0 dim: -1 }")).to.deep.equal([2, 12]);
    expect(shapeOf("shape { dim: -1 dim: 0 dim: 2 }")).to.deep.equal([4, 3, 2]);
    expect(shapeOf("axis: 1 shape { dim: -1 }")).to.deep.equal([2, 12]);
    expect(shapeOf("axis: -2 num_axes: 1 shape { dim: 2 dim: 2 }")).to.deep.equal([2, 3, 2, 2]);
    expect(shapeOf("axis: -1 num_axes: 0 shape { dim: 1 }")).to.deep.equal([2, 3, 4, 1]);
    expect(shapeOf("axis: 3 shape { dim: 1 dim: 1 }")).to.deep.equal([2, 3, 4, 1, 1]);
    expect(shapeOf("axis: 1 num_axes: 0 shape { dim: 1 }")).to.deep.equal([2, 1, 3, 4]);
  });
});
