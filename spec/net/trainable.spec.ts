import { expect } from "chai";
import { Net } from "../../lib/api/net.js";
import { failure } from "../support/failure.js";
import { inputLayer, lowerText, runText, tensor } from "../support/net.js";

const trainable = `${inputLayer("x", 2, 3)}layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 3 } }\n`;
const loss = (bottom: string, rest = "") =>
  `layer { name: "loss" type: "EuclideanLoss" bottom: "${bottom}" bottom: "x" top: "loss" ${rest} }`;

describe("training through what has no gradient", () => {
  const steps = `${trainable}layer { name: "t" type: "Threshold" bottom: "y" top: "z" }\n${loss("z")}`;

  it("is refused where parameters lie under it and a loss above", async () => {
    await using net = await Net.load(steps, { name: "net" });
    await net.forward({ x: tensor([1, 2, 3, 4, 5, 6], [2, 3]) });
    await failure(
      net.backward(),
      'net:3:45: layer "t": "y" depends on trainable parameters, but Threshold has no gradient to it',
    );
  });

  it("is no matter where a net only runs forward", async () => {
    const { blobs } = await runText(steps, { x: tensor([1, 2, 3, 4, 5, 6], [2, 3]) });
    expect(blobs["loss"]!.shape).to.deep.equal([]);
  });

  for (const [what, text] of Object.entries({
    "no loss is above": `${trainable}layer { name: "t" type: "Threshold" bottom: "y" top: "z" }\n${loss("y")}`,
    "the parameters are fixed": steps.replace(
      "inner_product_param",
      "param { lr_mult: 0 } param { lr_mult: 0 } inner_product_param",
    ),
    "propagate_down stops the gradient": steps.replace('type: "Threshold"', 'type: "Threshold" propagate_down: false'),
    "the loss weighs nothing": steps.replace('top: "loss"', 'top: "loss" loss_weight: 0'),
  })) {
    it(`is no matter where ${what}`, () => {
      expect(lowerText(text).untrainable).to.equal(undefined);
    });
  }

  it("counts labels that a net learns, and Filter's selector", () => {
    const label = `${inputLayer("s", 2)}${trainable}layer { name: "r" type: "Reduction" bottom: "y" top: "m" reduction_param { axis: 1 } }\n`;
    const softmax = `${label}layer { name: "l" type: "SoftmaxWithLoss" bottom: "x" bottom: "m" top: "loss" }`;
    expect(lowerText(softmax).untrainable?.message).to.include(
      '"m" depends on trainable parameters, but SoftmaxWithLoss',
    );
    const filter = `${label}layer { name: "f" type: "Filter" bottom: "s" bottom: "m" top: "k" loss_weight: 1 }`;
    expect(lowerText(filter).untrainable?.message).to.include('"m" depends on trainable parameters, but Filter');
  });
});
