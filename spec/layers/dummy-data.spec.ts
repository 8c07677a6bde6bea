import { expect } from "chai";
import { lowerText, refusal } from "../support/net.js";

describe("DummyData", () => {
  it("refuses another number of fillers than tops", () => {
    expect(
      refusal(
        `layer { name: "l" type: "DummyData" top: "a" top: "b" top: "c" dummy_data_param { shape { dim: 2 } data_filler { } data_filler { } } }`,
      ),
    ).to.equal(
      [
        'net:1:100: layer "l": 2 data_filler for 3 tops',
        "note: give it not at all, once for all tops, or once for each",
      ].join("\n"),
    );
  });

  it("refuses another number of shapes than tops", () => {
    expect(
      refusal(
        `layer { name: "l" type: "DummyData" top: "a" top: "b" top: "c" dummy_data_param { shape { dim: 2 } shape { dim: 2 } } }`,
      ),
    ).to.equal(
      ['net:1:83: layer "l": 2 shape for 3 tops', "note: give it once for all tops, or once for each"].join("\n"),
    );
  });

  it("refuses to guess a shape", () => {
    expect(refusal(`layer { name: "l" type: "DummyData" top: "a"  }`)).to.equal(
      ['net:1:1: layer "l": 0 shape for 1 top', "note: give it once for all tops, or once for each"].join("\n"),
    );
  });

  it("refuses shape and num together", () => {
    expect(
      refusal(`layer { name: "l" type: "DummyData" top: "a" dummy_data_param { shape { dim: 2 } num: 1 } }`),
    ).to.equal('net:1:65: layer "l": give shape, or num, channels, height and width, not both');
  });

  it("refuses num without the other three", () => {
    expect(
      refusal(`layer { name: "l" type: "DummyData" top: "a" dummy_data_param { num: 1 height: 2 width: 3 } }`),
    ).to.equal(
      ['net:1:46: layer "l": 0 channels for 1 top', "note: give it once for all tops, or once for each"].join("\n"),
    );
  });

  it("takes the old num, channels, height and width, each once or once a top", () => {
    const net = lowerText(
      `layer { name: "l" type: "DummyData" top: "a" top: "b" dummy_data_param { num: 2 num: 3 channels: 1 height: 4 width: 5 width: 6 } }`,
    );
    expect(net.blobs.get("a")!.type.shape).to.deep.equal([2, 1, 4, 5]);
    expect(net.blobs.get("b")!.type.shape).to.deep.equal([3, 1, 4, 6]);
  });
});
