import { expect } from "chai";
import { NetrunError } from "../../lib/error.js";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

describe("SoftmaxWithLoss", () => {
  it("refuses labels that are not one for each prediction", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3, 4)}${inputLayer("t", 2, 3)}layer { name: "l" type: "SoftmaxWithLoss" bottom: "x" bottom: "t" top: "y" }`,
      ),
    ).to.equal(
      [
        'net:3:63: layer "l": bottom "t" [2,3] is not a label for each of the 8 predictions of bottom "x" [2,3,4]',
        "note: with axis 1 as that of the classes the labels are [2,4]",
      ].join("\n"),
    );
  });

  it("refuses labels with another first axis", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3, 4)}${inputLayer("t", 8)}layer { name: "l" type: "SoftmaxWithLoss" bottom: "x" bottom: "t" top: "y" }`,
      ),
    ).to.equal('net:3:63: layer "l": bottom "t" [8] and bottom "x" [2,3,4] differ in their first axis, the batch');
  });

  it("refuses an axis that the bottom does not have", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}${inputLayer("t", 2)}layer { name: "l" type: "SoftmaxWithLoss" bottom: "x" bottom: "t" top: "y" softmax_param { axis: -3 } }`,
      ),
    ).to.equal(
      ['net:3:98: layer "l": axis -3 is out of range for a blob of 2 axes', "note: axes here go from -2 to 1"].join(
        "\n",
      ),
    );
  });

  it("has the gradient softmax - one-hot also where the log is clamped", async () => {
    const text = `${inputLayer("x", 1, 2)}${inputLayer("t", 1)}layer { name: "l" type: "SoftmaxWithLoss" bottom: "x" bottom: "t" top: "y" }`;
    const { blobs, gradients } = await runText(text, { x: tensor([1e9, 0], [1, 2]), t: tensor([1]) }, { seeds: {} });
    expect(blobs["y"]!.data[0]).to.be.closeTo(87.3365, 1e-3);
    expect([...gradients["x"]!.data]).to.deep.equal([1, -1]);
  });

  it("learns nothing from what is done with its second top, as in Caffe", async () => {
    const text = `${inputLayer("x", 1, 2)}${inputLayer("t", 1)}layer { name: "l" type: "SoftmaxWithLoss" bottom: "x" bottom: "t" top: "y" top: "p" loss_weight: 0 loss_weight: 1 }`;
    const inputs = { x: tensor([1, 2], [1, 2]), t: tensor([1]) };
    const { gradients } = await runText(text, inputs, { seeds: { p: tensor([1, 2], [1, 2]) } });
    expect([...gradients["x"]!.data]).to.deep.equal([0, 0]);
  });

  it("is 0 and has no gradient where all labels are ignored", async () => {
    const text = `${inputLayer("x", 1, 2)}${inputLayer("t", 1)}layer { name: "l" type: "SoftmaxWithLoss" bottom: "x" bottom: "t" top: "y" loss_param { ignore_label: 255 } }`;
    const { blobs, gradients } = await runText(text, { x: tensor([1, 2], [1, 2]), t: tensor([255]) }, { seeds: {} });
    expect(Math.abs(blobs["y"]!.data[0]!)).to.equal(0);
    expect([...gradients["x"]!.data].map(Math.abs)).to.deep.equal([0, 0]);
  });

  for (const label of [-1, 2]) {
    it(`fails to run with the label ${label} of 2 classes`, async () => {
      const text = `${inputLayer("x", 1, 2)}${inputLayer("t", 1)}layer { name: "l" type: "SoftmaxWithLoss" bottom: "x" bottom: "t" top: "y" }`;
      const inputs = { x: tensor([1, 2], [1, 2]), t: tensor([label]) };
      const failed = await runText(text, inputs).catch((error: unknown) => error);
      expect(failed).to.be.instanceOf(NetrunError);
      expect((failed as NetrunError).message).to.equal('layer "l": an index in its data is out of range');
    });
  }

  it("means BATCH_SIZE by normalize: false, unless normalization is given", async () => {
    const run = async (lossParam: string) => {
      const text = `${inputLayer("x", 1, 2, 2)}${inputLayer("t", 1, 2)}layer { name: "l" type: "SoftmaxWithLoss" bottom: "x" bottom: "t" top: "y" loss_param { ${lossParam} } }`;
      const { blobs } = await runText(text, { x: tensor([0, 0, 0, 0], [1, 2, 2]), t: tensor([0, 1], [1, 2]) });
      return blobs["y"]!.data[0]! / Math.LN2;
    };
    expect(await run("normalize: false")).to.be.closeTo(2, 1e-6);
    expect(await run("normalize: false normalization: FULL")).to.be.closeTo(1, 1e-6);
  });
});
