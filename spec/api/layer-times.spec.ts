import { expect } from "chai";
import { timeLayers } from "../../lib/index.js";
import { failure } from "../support/failure.js";

const MODEL = `
  layer { name: "in" type: "Input" top: "data" top: "label" input_param { shape { dim: 3 dim: 8 } shape { dim: 3 } } }
  layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 4 } }
  layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }`;

describe("timeLayers", () => {
  it("gives each layer's time forward and backward, the update's, and the arithmetic of a pass", async () => {
    const { layers, passMs, updateMs, images, flops } = await timeLayers(MODEL, { iterations: 2 });
    expect(layers.map(({ layer }) => layer)).to.deep.equal(["in", "ip", "loss", "(net)"]);
    const [, ip] = layers;
    expect(ip!.forwardMs).to.be.above(0);
    expect(ip!.backwardMs).to.be.above(0);
    expect(passMs).to.be.above(0);
    expect(updateMs).to.be.above(0);
    expect(images).to.equal(3);
    // A product forward and one for the weights' gradient: data has none.
    expect(flops).to.equal(2 * 2 * 3 * 8 * 4);
  });

  it("refuses a net whose layers leave their blobs as they are", () =>
    failure(
      timeLayers(`
        layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 1 } } }
        layer { name: "same" type: "Power" bottom: "data" top: "same" }`),
      "the net computes nothing: its blobs are its inputs as they are",
    ));

  it("refuses a number of passes that is no count", async () => {
    await failure(
      timeLayers(MODEL, { iterations: 0 }),
      "iterations is 0; it must be a whole number of passes, 1 or more",
    );
  });
});
