import { expect } from "chai";
import { loadNet } from "../../lib/caffe/load.js";
import { layoutOf } from "../../lib/net/layout.js";
import { lower } from "../../lib/net/lower.js";
import { deadWeightWarnings } from "../../lib/run/dead-weights.js";
import { createWeights } from "../../lib/run/weights.js";
import { inputLayer } from "../support/net.js";

describe("weights that stay 0", () => {
  const convolution = (name: string, more = "") =>
    `layer { name: "${name}" type: "Convolution" bottom: "x" top: "x" ${more} }`;
  const SIZE = "num_output: 1 kernel_size: 1";
  const FILLED = `convolution_param { ${SIZE} weight_filler { type: "xavier" } }`;
  const EMPTY = `convolution_param { ${SIZE} }`;
  const warnings = (...layers: readonly string[]) => {
    const { layer } = loadNet(`${inputLayer("x", 1, 1, 4, 4)}${layers.join("\n")}`).message;
    const weights = createWeights(layoutOf(lower(layer, { phase: "TRAIN" })), 1);
    return deadWeightWarnings(layer, weights).map(({ message }) => message);
  };

  it("are those of layers that are not trained, as FCN's upsampling is before its program fills it", () => {
    const up = `layer { name: "up" type: "Deconvolution" bottom: "x" top: "y" param { lr_mult: 0 }
      convolution_param { num_output: 1 bias_term: false kernel_size: 4 stride: 2 `;
    expect(warnings(convolution("a", FILLED), `${up} } }`)).to.deep.equal([
      'layer "up": its weights are 0 and not trained (lr_mult 0), so that its top is a constant',
    ]);
    expect(warnings(convolution("a", FILLED), `${up} weight_filler { type: "bilinear" } } }`)).to.deep.equal([]);
  });

  it("are those of layers that get 0 from others without weights", () => {
    const relu = 'layer { name: "r" type: "ReLU" bottom: "x" top: "x" }';
    expect(
      warnings(convolution("a", EMPTY), relu, convolution("b", EMPTY), relu, convolution("c", EMPTY)),
    ).to.deep.equal(['layer "b" and 1 more: weights are 0 and so is what they get, so that they are not trained']);
  });

  it("are not those of layers that a Silence layer swallows, as the alternating training of Faster R-CNN carries along", () => {
    const frozen = (name: string, bottom: string) =>
      `layer { name: "${name}" type: "InnerProduct" bottom: "${bottom}" top: "${name}" param { lr_mult: 0 } param { lr_mult: 0 } inner_product_param { num_output: 2 } }`;
    const relu = 'layer { name: "r" type: "ReLU" bottom: "fc6" top: "fc6" }';
    const silence = 'layer { name: "s" type: "Silence" bottom: "fc7" }';
    const net = [convolution("a", FILLED), frozen("fc6", "x"), relu, frozen("fc7", "fc6")];
    expect(warnings(...net)).to.have.lengthOf(2);
    expect(warnings(...net, silence)).to.deep.equal([]);
    expect(warnings(...net, silence, frozen("fc8", "fc6"))).to.have.lengthOf(2);
  });

  it("are not those of a last layer that begins with 0, nor of one that has a bias", () => {
    expect(warnings(convolution("a", FILLED), convolution("b", EMPTY))).to.deep.equal([]);
    const biased = `convolution_param { ${SIZE} bias_filler { value: 1 } }`;
    expect(warnings(convolution("a", biased), convolution("b", EMPTY))).to.deep.equal([]);
  });
});
