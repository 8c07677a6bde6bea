import { expect } from "chai";
import { inputLayer, lowerText, refusal } from "../support/net.js";

describe("Flatten", () => {
  it("refuses to work in place", () => {
    expect(refusal(`${inputLayer("x", 2, 3)}layer { name: "l" type: "Flatten" bottom: "x" top: "x"  }`)).to.equal(
      [
        'net:2:52: layer "l": Flatten layers do not work in place: "x" is both bottom and top',
        "note: give the top a name of its own",
      ].join("\n"),
    );
  });

  it("refuses an axis that the bottom does not have", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}layer { name: "l" type: "Flatten" bottom: "x" top: "y" flatten_param { axis: 2 } }`,
      ),
    ).to.equal(
      ['net:2:78: layer "l": axis 2 is out of range for a blob of 2 axes', "note: axes here go from -2 to 1"].join(
        "\n",
      ),
    );
  });

  it("refuses an end_axis that the bottom does not have", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}layer { name: "l" type: "Flatten" bottom: "x" top: "y" flatten_param { end_axis: 2 } }`,
      ),
    ).to.equal(
      ['net:2:82: layer "l": end_axis 2 is out of range for a blob of 2 axes', "note: axes here go from -2 to 1"].join(
        "\n",
      ),
    );
  });

  it("refuses an end before the start", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3, 4)}layer { name: "l" type: "Flatten" bottom: "x" top: "y" flatten_param { axis: 2 end_axis: 0 } }`,
      ),
    ).to.equal('net:2:90: layer "l": end_axis 0 comes before axis 2');
  });

  const shapeOf = (param: string) =>
    lowerText(
      `${inputLayer("x", 2, 3, 4, 5)}layer { name: "l" type: "Flatten" bottom: "x" top: "y" flatten_param { ${param} } }`,
    ).blobs.get("y")!.type.shape;

  it("joins the axes between axis and end_axis, however they are counted", () => {
    expect(shapeOf("")).to.deep.equal([2, 60]);
    expect(shapeOf("axis: 0")).to.deep.equal([120]);
    expect(shapeOf("axis: -3 end_axis: -2")).to.deep.equal([2, 12, 5]);
    expect(shapeOf("axis: 2 end_axis: 2")).to.deep.equal([2, 3, 4, 5]);
    expect(shapeOf("axis: 2 end_axis: 1")).to.deep.equal([2, 3, 1, 4, 5]);
  });
});
