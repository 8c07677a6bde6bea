import { expect } from "chai";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

describe("Filter", () => {
  it("refuses another number of tops than bottoms before the selector", () => {
    expect(
      refusal(
        `${inputLayer("x", 3, 2)}${inputLayer("s", 3)}layer { name: "l" type: "Filter" bottom: "x" bottom: "s" top: "y" top: "z"  }`,
      ),
    ).to.equal(
      ['net:3:63: layer "l": 2 tops for 1 bottom and a selector', "note: give a top for each bottom but the last"].join(
        "\n",
      ),
    );
  });

  it("refuses a selector of more than one value an item", () => {
    expect(
      refusal(
        `${inputLayer("x", 3, 2)}${inputLayer("s", 3, 2)}layer { name: "l" type: "Filter" bottom: "x" bottom: "s" top: "y"  }`,
      ),
    ).to.equal('net:3:54: layer "l": the selector has one value an item, [n] or [n, 1...], not [3,2]');
  });

  it("refuses a selector for another number of items", () => {
    expect(
      refusal(
        `${inputLayer("x", 3, 2)}${inputLayer("s", 4)}layer { name: "l" type: "Filter" bottom: "x" bottom: "s" top: "y"  }`,
      ),
    ).to.equal('net:3:42: layer "l": [3,2] does not have the 4 items of the selector');
  });

  const text = `${inputLayer("x", 3)}${inputLayer("s", 3, 1)}layer { name: "l" type: "Filter" bottom: "x" bottom: "s" top: "y" }
layer { name: "double" type: "Eltwise" bottom: "y" bottom: "y" top: "z" }`;

  it("keeps the items whose selector is not 0, which give the sizes of the layers after it", async () => {
    const inputs = { x: tensor([1, 2, 3]), s: tensor([-0.5, 0, 2], [3, 1]) };
    const { blobs, gradients } = await runText(text, inputs, { seeds: { z: tensor([1, 1]) } });
    expect(blobs["z"]).to.deep.equal(tensor([2, 6]));
    expect([...gradients["x"]!.data]).to.deep.equal([2, 0, 2]);
  });

  it("keeps nothing where every selector is 0", async () => {
    const { blobs } = await runText(text, { x: tensor([1, 2, 3]), s: tensor([0, 0, 0], [3, 1]) });
    expect(blobs["z"]!.shape).to.deep.equal([0]);
  });

  const heads = {
    InnerProduct: "inner_product_param { num_output: 2 }",
    Convolution: "convolution_param { num_output: 2 kernel_size: 2 }",
    Pooling: "pooling_param { kernel_size: 2 }",
    LRN: "",
    BatchNorm: "",
    Softmax: "",
    Reshape: "reshape_param { shape { dim: 0 dim: -1 } }",
    Reduction: "",
    MVN: "",
  };
  for (const [type, param] of Object.entries(heads)) {
    it(`runs forward and backward where it keeps nothing for ${type}`, async () => {
      const net = `${inputLayer("x", 2, 3, 4, 4)}${inputLayer("s", 2)}layer { name: "scale" type: "Scale" bottom: "x" top: "scaled" }
layer { name: "l" type: "Filter" bottom: "scaled" bottom: "s" top: "y" }
layer { name: "head" type: "${type}" bottom: "y" top: "z" loss_weight: 1 ${param} }`;
      const x = tensor(
        Array.from({ length: 96 }, (_, i) => i % 7),
        [2, 3, 4, 4],
      );
      const ran = await runText(net, { x, s: tensor([0, 0]) }, { phase: "TRAIN", seeds: {} });
      expect(ran.blobs["y"]!.shape).to.deep.equal([0, 3, 4, 4]);
      expect(ran.gradients["x"]!.data.every((value) => value === 0)).to.equal(true);
      for (const diff of Object.values(ran.parameters)) expect(diff.every((value) => value === 0)).to.equal(true);
    });
  }

  it("gives a loss of 0 where it keeps nothing", async () => {
    const net = `${inputLayer("x", 2, 3)}${inputLayer("s", 2)}${inputLayer("t", 2)}layer { name: "l" type: "Filter" bottom: "x" bottom: "t" bottom: "s" top: "y" top: "u" }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "y" bottom: "u" top: "z" }`;
    const inputs = { x: tensor([1, 2, 3, 4, 5, 6], [2, 3]), s: tensor([0, 0]), t: tensor([1, 2]) };
    const { blobs, gradients } = await runText(net, inputs, { seeds: {} });
    expect(Math.abs(blobs["z"]!.data[0]!)).to.equal(0);
    expect(gradients["x"]!.data.every((value) => value === 0)).to.equal(true);
  });
});
