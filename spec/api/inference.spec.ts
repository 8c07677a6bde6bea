import { expect } from "chai";
import { Net, type NetOptions, type Tensor } from "../../lib/index.js";
import { failure } from "../support/failure.js";
import { hashed, hashWeights } from "../support/hashed.js";

const MODEL = `
  name: "scored"
  layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 8 dim: 8 } } }
  layer { name: "conv" type: "Convolution" bottom: "x" top: "conv"
          convolution_param { num_output: 16 kernel_size: 3 pad: 1 } }
  layer { name: "norm" type: "BatchNorm" bottom: "conv" top: "conv" }
  layer { name: "scale" type: "Scale" bottom: "conv" top: "conv" scale_param { bias_term: true } }
  layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
  layer { name: "lrn" type: "LRN" bottom: "conv" top: "lrn" }
  layer { name: "drop" type: "Dropout" bottom: "lrn" top: "drop" }
  layer { name: "ip" type: "InnerProduct" bottom: "drop" top: "ip" inner_product_param { num_output: 4 } }
  layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }`;

const x: Tensor = { shape: [2, 3, 8, 8], data: hashed("input/x", 2 * 3 * 8 * 8, (u) => u - 0.5) };

async function loaded(options: NetOptions = {}): Promise<Net> {
  const net = await Net.load(MODEL, options);
  hashWeights(net);
  return net;
}

/** Compares to float rounding: folding multiplies in another order. */
function expectClose(actual: Tensor, expected: Tensor): void {
  expect(actual.shape).to.deep.equal(expected.shape);
  actual.data.forEach((value, i) => {
    expect(value).to.be.closeTo(expected.data[i]!, 1e-5);
  });
}

describe("a forward that asks for blobs by name", () => {
  it("returns only these, equal to a forward of all blobs up to rounding", async () => {
    await using net = await loaded();
    const all = await net.forward({ x });
    for (const name of ["prob", "conv", "lrn", "drop", "x"]) {
      const some = await net.forward({ x }, { blobs: [name] });
      expect(Object.keys(some)).to.deep.equal([name]);
      expectClose(some[name]!, all[name]!);
    }
    expect(net.shapes.get("lrn")).to.deep.equal([2, 16, 8, 8]);
  });

  it("refuses a blob that is not there, and names the nearest", async () => {
    await using net = await loaded();
    await failure(net.forward({ x }, { blobs: ["prop"] }), 'the net has no blob "prop"');
  });

  it("sees weights that were written through params, whenever the array was taken", async () => {
    await using net = await loaded();
    const blobs = ["ip"];
    const before = net.params.get("ip")![1]!.data;
    await net.forward({ x }, { blobs });
    const weights = net.params.get("conv")![0]!.data;
    for (const write of [() => before.fill(3), () => weights.fill(0.25), () => before.fill(-1), () => {}]) {
      write();
      // Both after the change and while it lasts: fed weights first, then constants.
      for (let i = 0; i < 3; i++) {
        const { ip } = await net.forward({ x }, { blobs });
        expectClose(ip!, (await net.forward({ x }))["ip"]!);
      }
    }
  });

  it("reshapes the net, and goes back", async () => {
    await using net = await loaded();
    const one: Tensor = { shape: [1, 3, 8, 8], data: x.data.slice(0, 3 * 8 * 8) };
    const { prob } = await net.forward({ x }, { blobs: ["prob"] });
    for (const input of [one, one, x, one]) {
      const again = await net.forward({ x: input }, { blobs: ["prob"] });
      expect(net.shapes.get("conv")![0]).to.equal(input.shape[0]);
      const shape = [input.shape[0]!, 4];
      expectClose(again["prob"]!, { shape, data: prob!.data.slice(0, 4 * input.shape[0]!) });
    }
  });

  it("is followed by a backward as any forward is", async () => {
    await using net = await loaded({ phase: "TEST" });
    const dy = { prob: { shape: [2, 4], data: Float32Array.of(1, 0, 0, 0, 0, 2, 0, 0) } };
    await net.forward({ x });
    const expected = await net.backward(dy);
    await net.forward({ x }, { blobs: ["prob"] });
    expect((await net.backward(dy))["x"]).to.deep.equal(expected["x"]);
  });

  it("keeps to the running statistics' net where forwards change them", async () => {
    await using net = await loaded({ phase: "TRAIN" });
    await using other = await loaded({ phase: "TRAIN" });
    for (let i = 0; i < 3; i++) {
      const { ip } = await net.forward({ x }, { blobs: ["ip"] });
      expect(ip).to.deep.equal((await other.forward({ x }))["ip"]);
    }
    expect(net.params.get("norm")![2]!.data[0]).to.equal(other.params.get("norm")![2]!.data[0]);
  });
});
