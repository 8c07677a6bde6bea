import { expect } from "chai";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

describe("Accuracy", () => {
  it("refuses a top_k above the number of classes", () => {
    expect(
      refusal(
        `${inputLayer("x", 4, 3)}${inputLayer("t", 4)}layer { name: "l" type: "Accuracy" bottom: "x" bottom: "t" top: "y" accuracy_param { top_k: 4 } }`,
      ),
    ).to.equal('net:3:93: layer "l": top_k 4 is more than the 3 classes');
  });

  it("refuses labels that are not one for each prediction", () => {
    expect(
      refusal(
        `${inputLayer("x", 4, 3)}${inputLayer("t", 3)}layer { name: "l" type: "Accuracy" bottom: "x" bottom: "t" top: "y" }`,
      ),
    ).to.equal(
      [
        'net:3:56: layer "l": bottom "t" [3] is not a label for each of the 4 predictions of bottom "x" [4,3]',
        "note: with axis 1 as that of the classes the labels are [4]",
      ].join("\n"),
    );
  });

  it("refuses labels for the wrong axis", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3, 5)}${inputLayer("t", 2, 5)}layer { name: "l" type: "Accuracy" bottom: "x" bottom: "t" top: "y" accuracy_param { axis: -1 } }`,
      ),
    ).to.equal(
      [
        'net:3:56: layer "l": bottom "t" [2,5] is not a label for each of the 6 predictions of bottom "x" [2,3,5]',
        "note: with axis 2 as that of the classes the labels are [2,3]",
      ].join("\n"),
    );
  });

  it("refuses an axis that the bottom does not have", () => {
    expect(
      refusal(
        `${inputLayer("x", 4, 3)}${inputLayer("t", 4)}layer { name: "l" type: "Accuracy" bottom: "x" bottom: "t" top: "y" accuracy_param { axis: 2 } }`,
      ),
    ).to.equal(
      ['net:3:92: layer "l": axis 2 is out of range for a blob of 2 axes', "note: axes here go from -2 to 1"].join(
        "\n",
      ),
    );
  });

  it("counts ties against the label, and gives the share of each class", async () => {
    const text = `${inputLayer("x", 4, 3)}${inputLayer("t", 4)}layer { name: "l" type: "Accuracy" bottom: "x" bottom: "t" top: "y" top: "classes" }`;
    const x = tensor([5, 5, 0, 9, 1, 2, 0, 1, 2, 0, 3, 1], [4, 3]);
    const { blobs } = await runText(text, { x, t: tensor([0, 0, 2, 1]) });
    expect(blobs["y"]).to.deep.equal(tensor([0.75], []));
    expect(blobs["classes"]).to.deep.equal(tensor([0.5, 1, 1]));
  });

  it("takes the smallest entry for the prediction with min_is_better, and counts ties against it too", async () => {
    const text = `${inputLayer("x", 4, 3)}${inputLayer("t", 4)}layer { name: "l" type: "Accuracy" bottom: "x" bottom: "t" top: "y" top: "classes" accuracy_param { min_is_better: true } }`;
    const x = tensor([0.5, 2, 3, 2, 1, 1, 4, 3, 0, 1, 2, 0.5], [4, 3]);
    const { blobs } = await runText(text, { x, t: tensor([0, 1, 2, 0]) });
    expect(blobs["y"]).to.deep.equal(tensor([0.5], []));
    expect(blobs["classes"]).to.deep.equal(tensor([0.5, 0, 1]));
  });

  it("is 0 where all labels are ignored, whatever number stands for that", async () => {
    const text = `${inputLayer("x", 2, 3)}${inputLayer("t", 2)}layer { name: "l" type: "Accuracy" bottom: "x" bottom: "t" top: "y" accuracy_param { ignore_label: -1 } }`;
    const { blobs } = await runText(text, { x: tensor([1, 2, 3, 4, 5, 6], [2, 3]), t: tensor([-1, -1]) });
    expect(blobs["y"]).to.deep.equal(tensor([0], []));
  });

  it("counts places of a map whose label is no class as wrong, as SegNet's nets need it, and not those of the ignored label", async () => {
    const text = (param: string) =>
      `${inputLayer("x", 1, 2, 2, 2)}${inputLayer("t", 1, 1, 2, 2)}layer { name: "l" type: "Accuracy" bottom: "x" bottom: "t" top: "y" top: "classes" ${param} }`;
    const inputs = { x: tensor([1, 1, 1, 0, 0, 0, 0, 1], [1, 2, 2, 2]), t: tensor([0, 11, 1, 1], [1, 1, 2, 2]) };
    const { blobs } = await runText(text(""), inputs);
    expect(blobs["y"]).to.deep.equal(tensor([0.5], []));
    expect(blobs["classes"]).to.deep.equal(tensor([1, 0.5]));
    const ignoring = await runText(text("accuracy_param { ignore_label: 11 }"), inputs);
    expect(ignoring.blobs["y"]!.data[0]).to.be.closeTo(2 / 3, 1e-6);
    expect(ignoring.blobs["classes"]).to.deep.equal(tensor([1, 0.5]));
  });
});
