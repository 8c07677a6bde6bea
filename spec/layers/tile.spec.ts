import { expect } from "chai";
import { inputLayer, refusal } from "../support/net.js";

describe("Tile", () => {
  it("refuses to guess the number of tiles", () => {
    expect(
      refusal(`${inputLayer("x", 2, 3)}layer { name: "l" type: "Tile" bottom: "x" top: "y" tile_param { axis: 1 } }`),
    ).to.equal(['net:2:53: layer "l": tiles is missing', "note: write tiles: N"].join("\n"));
  });

  it("refuses a number of tiles that is not positive", () => {
    expect(
      refusal(`${inputLayer("x", 2, 3)}layer { name: "l" type: "Tile" bottom: "x" top: "y" tile_param { tiles: 0 } }`),
    ).to.equal('net:2:73: layer "l": tiles 0 must be greater than 0');
  });

  it("refuses an axis that the bottom does not have", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}layer { name: "l" type: "Tile" bottom: "x" top: "y" tile_param { axis: 2 tiles: 2 } }`,
      ),
    ).to.equal(
      ['net:2:72: layer "l": axis 2 is out of range for a blob of 2 axes', "note: axes here go from -2 to 1"].join(
        "\n",
      ),
    );
  });
});
