import { expect } from "chai";
import { inputLayer, refusal } from "../support/net.js";

describe("InfogainLoss", () => {
  it("refuses to go without a matrix", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}${inputLayer("t", 2)}layer { name: "l" type: "InfogainLoss" bottom: "x" bottom: "t" top: "y" }`,
      ),
    ).to.equal(
      [
        'net:3:1: layer "l": the infogain matrix is missing',
        "note: give it as source: a BlobProto file, or as a third bottom",
      ].join("\n"),
    );
  });

  it("refuses normalize", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}${inputLayer("t", 2)}layer { name: "l" type: "InfogainLoss" bottom: "x" bottom: "t" top: "y" loss_param { normalize: true } }`,
      ),
    ).to.equal(['net:3:73: layer "l": normalize is not for InfogainLoss', 'note: use "normalization"'].join("\n"));
  });

  it("refuses a matrix that is not square in the classes", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}${inputLayer("t", 2)}${inputLayer("h", 1, 1, 3, 4)}layer { name: "l" type: "InfogainLoss" bottom: "x" bottom: "t" bottom: "h" top: "y" }`,
      ),
    ).to.equal(
      'net:4:72: layer "l": the infogain matrix [1,1,3,4] does not have 3 x 3 entries, one for each pair of classes',
    );
  });

  it("refuses labels that are not one for each prediction", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3, 4)}${inputLayer("t", 2)}${inputLayer("h", 3, 3)}layer { name: "l" type: "InfogainLoss" bottom: "x" bottom: "t" bottom: "h" top: "y" }`,
      ),
    ).to.equal(
      [
        'net:4:60: layer "l": bottom "t" [2] is not a label for each of the 8 predictions of bottom "x" [2,3,4]',
        "note: with axis 1 as that of the classes the labels are [2,4]",
      ].join("\n"),
    );
  });
});
