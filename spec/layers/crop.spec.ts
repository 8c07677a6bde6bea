import { expect } from "chai";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

describe("Crop", () => {
  it("refuses a reference larger than the bottom", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 4, 4)}${inputLayer("r", 1, 1, 5, 3)}layer { name: "l" type: "Crop" bottom: "x" bottom: "r" top: "y"  }`,
      ),
    ).to.equal('net:3:52: layer "l": 5 entries from offset 0 on are more than axis 2 of [1,1,4,4] has');
  });

  it("refuses an offset that leaves too little", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 4, 4)}${inputLayer("r", 1, 1, 3, 3)}layer { name: "l" type: "Crop" bottom: "x" bottom: "r" top: "y" crop_param { offset: 2 } }`,
      ),
    ).to.equal('net:3:52: layer "l": 3 entries from offset 2 on are more than axis 2 of [1,1,4,4] has');
  });

  it("refuses a number of offsets that is not the axes'", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 4, 4)}${inputLayer("r", 1, 1, 3, 3)}layer { name: "l" type: "Crop" bottom: "x" bottom: "r" top: "y" crop_param { axis: 1 offset: 0 offset: 1 } }`,
      ),
    ).to.equal(
      ['net:3:94: layer "l": 2 offset for the 3 axes from axis 1 on', "note: give none, one for all, or one each"].join(
        "\n",
      ),
    );
  });

  it("refuses an axis that the bottom does not have", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}${inputLayer("r", 2, 3)}layer { name: "l" type: "Crop" bottom: "x" bottom: "r" top: "y"  }`,
      ),
    ).to.equal(
      ['net:3:1: layer "l": axis 2 is out of range for a blob of 2 axes', "note: axes here go from -2 to 1"].join("\n"),
    );
  });

  it("refuses a reference that lacks an axis", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3, 4)}${inputLayer("r", 2, 3)}layer { name: "l" type: "Crop" bottom: "x" bottom: "r" top: "y" crop_param { axis: 1 } }`,
      ),
    ).to.equal('net:3:52: layer "l": [2,3] has no axis 2 to crop [2,3,4] to');
  });

  it("takes the second bottom's size from the axis on, at the offset", async () => {
    const text = `${inputLayer("x", 2, 4)}${inputLayer("r", 1, 2)}layer { name: "l" type: "Crop" bottom: "x" bottom: "r" top: "y" crop_param { axis: -1 offset: 1 } }`;
    const inputs = { x: tensor([1, 2, 3, 4, 5, 6, 7, 8], [2, 4]), r: tensor([0, 0], [1, 2]) };
    const { blobs, gradients } = await runText(text, inputs, { seeds: { y: tensor([1, 2, 3, 4], [2, 2]) } });
    expect([...blobs["y"]!.data]).to.deep.equal([2, 3, 6, 7]);
    expect([...gradients["x"]!.data]).to.deep.equal([0, 1, 2, 0, 0, 3, 4, 0]);
    expect([...gradients["r"]!.data]).to.deep.equal([0, 0]);
  });
});
