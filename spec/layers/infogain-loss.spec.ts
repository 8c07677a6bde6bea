import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { Net } from "../../lib/api/net.js";
import { blobProto } from "../../lib/caffe/blob.js";
import { encode } from "../../lib/caffe/message.js";
import { freshFolder } from "../support/folder.js";
import { inputLayer, refusal, tensor } from "../support/net.js";

describe("InfogainLoss", () => {
  const folder = freshFolder();

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

  it("reads its matrix from a BlobProto file, beside the prototxt", async () => {
    const matrix = blobProto([1, 1, 2, 2], Float32Array.of(1, 0, 0, 2));
    writeFileSync(join(folder(), "H.binaryproto"), encode(matrix));
    const text = `${inputLayer("x", 2, 2)}${inputLayer("t", 2)}layer { name: "l" type: "InfogainLoss" bottom: "x" bottom: "t" top: "y" infogain_loss_param { source: "H.binaryproto" } }`;
    await using net = await Net.load(text, { name: "net", baseDir: folder() });
    const { y } = await net.forward({ x: tensor([0, 0, 0, 0], [2, 2]), t: tensor([0, 1]) });
    expect(y!.data[0]).to.be.closeTo(1.5 * Math.LN2, 1e-6);
  });
});
