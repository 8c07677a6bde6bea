import { expect } from "chai";
import { Net } from "../../lib/api/net.js";
import { NetrunError } from "../../lib/error.js";

const NET = `
  name: "parts"
  layer { name: "data" type: "Input" top: "data" top: "other" input_param { shape { dim: 2 dim: 1 dim: 6 dim: 6 } } }
  layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 3 kernel_size: 3 weight_filler { type: "xavier" } bias_filler { type: "constant" value: -0.1 } } }
  layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
  layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool" pooling_param { kernel_size: 2 stride: 2 } }
  layer { name: "ip" type: "InnerProduct" bottom: "pool" top: "ip" inner_product_param { num_output: 4 weight_filler { type: "gaussian" std: 1 } } }
  layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }
  layer { name: "sum" type: "Eltwise" bottom: "data" bottom: "other" top: "sum" }
`;

/** The NetrunError that a call ends in. */
async function errorOf(call: () => unknown): Promise<NetrunError> {
  try {
    await call();
  } catch (error) {
    if (error instanceof NetrunError) return error;
    throw error;
  }
  throw new Error("no error");
}

const tensor = (shape: readonly number[], at = 0) => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i + at)),
});

const SHAPE = [2, 1, 6, 6];
const inputs = () => ({ data: tensor(SHAPE), other: tensor(SHAPE, 3) });

describe("Net as pycaffe's", () => {
  let net: Net;
  before(async () => {
    net = await Net.load(NET);
  });
  after(() => net[Symbol.asyncDispose]());

  it("has blobs by name, as forwards last gave them", async () => {
    const all = await net.forward(inputs());
    expect([...net.blobs.keys()].sort()).to.deep.equal(Object.keys(all).sort());
    expect(net.blobs.get("ip")).to.equal(all["ip"]);
    const one = await net.forward({ ...inputs(), data: tensor(SHAPE, 1) }, { blobs: ["ip"] });
    expect(net.blobs.get("ip")).to.equal(one["ip"]);
    expect(net.blobs.get("pool")).to.equal(all["pool"]);
  });

  it("has layers by name, with their parameters", () => {
    expect([...net.layers.keys()]).to.deep.equal(["data", "conv", "relu", "pool", "ip", "prob", "sum"]);
    const { type, bottoms, tops, blobs, parameter } = net.layers.get("conv")!;
    expect({ type, bottoms, tops }).to.deep.equal({ type: "Convolution", bottoms: ["data"], tops: ["conv"] });
    expect(blobs).to.equal(net.params.get("conv"));
    expect(parameter.convolution_param?.num_output).to.equal(3);
    expect(net.layers.get("relu")!.blobs).to.deep.equal([]);
  });

  it("goes forward up to a layer: its tops, before what changes them in place", async () => {
    const given = { data: inputs().data };
    const { conv, ...rest } = await net.forward(given, { end: "conv" });
    expect(rest).to.deep.equal({});
    expect(Math.min(...conv!.data)).to.be.lessThan(0);
    const after = await net.forward(given, { end: "relu" });
    expect([...after["conv"]!.data]).to.deep.equal([...conv!.data.map((value) => Math.max(0, value))]);
  });

  it("goes forward from a layer, from what is given or what was left", async () => {
    const all = await net.forward(inputs());
    const left = await net.forward({}, { start: "ip" });
    expect([...left["sum"]!.data]).to.deep.equal([...all["sum"]!.data]);
    const probs = await net.forward({}, { start: "pool", end: "prob", blobs: ["ip", "prob"] });
    expect(Object.keys(probs)).to.deep.equal(["ip", "prob"]);
    for (const name of ["ip", "prob"])
      probs[name]!.data.forEach((value, i) => {
        expect(value).to.be.closeTo(all[name]!.data[i]!, 1e-6);
      });
    const pool = tensor([2, 3, 2, 2]);
    const { ip } = await net.forward({ pool }, { start: "ip", end: "ip" });
    const [weights, bias] = net.params.get("ip")!;
    const row = (n: number, o: number) =>
      bias!.data[o]! + pool.data.slice(12 * n, 12 * n + 12).reduce((s, v, i) => s + v * weights!.data[12 * o + i]!, 0);
    ip!.data.forEach((value, i) => {
      expect(value).to.be.closeTo(row(Math.floor(i / 4), i % 4), 1e-5);
    });
  });

  it("sees weights that are written between two partial forwards", async () => {
    const pool = tensor([2, 3, 2, 2]);
    const [, bias] = net.params.get("ip")!;
    const before_ = (await net.forward({ pool }, { start: "ip", end: "ip" }))["ip"]!.data;
    bias!.data[0]! += 5;
    const after_ = (await net.forward({ pool }, { start: "ip", end: "ip" }))["ip"]!.data;
    bias!.data[0]! -= 5;
    expect(after_[0]! - before_[0]!).to.be.closeTo(5, 1e-5);
    expect(after_[1]).to.equal(before_[1]);
  });

  it("refuses layers and blobs that are not there, and a start after the end", async () => {
    const message = async (options: object) => (await errorOf(() => net.forward(inputs(), options))).format();
    expect(await message({ end: "cnov" })).to.equal('the net has no layer "cnov"\nnote: did you mean "conv"?');
    expect(await message({ start: "prob", end: "conv" })).to.equal('layer "conv" comes before layer "prob"');
    expect((await errorOf(() => net.forward({}, { end: "conv", blobs: ["ip"] }))).message).to.equal(
      'no layer that this forward goes through has a blob "ip"',
    );
    expect((await errorOf(() => net.forward({ prob: tensor([2, 4]) }, { end: "conv" }))).message).to.equal(
      'the net has no input "prob"',
    );
    await using fresh = await Net.load(NET);
    expect((await errorOf(() => fresh.forward({}, { start: "ip", end: "ip" }))).message).to.equal(
      'input "pool" [2,3,2,2] is missing',
    );
    await fresh.forward(inputs(), { end: "prob" }).catch(() => {});
    expect((await errorOf(() => fresh.backward())).message).to.equal("backward needs a forward before it");
  });

  it("is reshaped, and knows the shapes of all blobs before data arrives", async () => {
    await using fresh = await Net.load(NET);
    const wide = [5, 1, 6, 6];
    fresh.reshape({ data: wide, other: wide });
    expect([fresh.shapes.get("conv"), fresh.shapes.get("prob")]).to.deep.equal([
      [5, 3, 4, 4],
      [5, 4],
    ]);
    const { prob } = await fresh.forward({ data: tensor(wide), other: tensor(wide) }, { blobs: ["prob"] });
    expect(prob!.shape).to.deep.equal([5, 4]);
    const large = [2, 1, 8, 8];
    expect((await errorOf(() => fresh.reshape({ data: large, other: large }))).message).to.equal(
      'layer "ip": its parameter 0 is [4,12], but these inputs require [4,27]',
    );
    expect((await errorOf(() => fresh.reshape({ dta: wide }))).format()).to.equal(
      'the net has no input "dta"\nnote: did you mean "data"?',
    );
    expect(fresh.shapes.get("conv")).to.deep.equal([5, 3, 4, 4]);
  });

  it("takes the next batch of its data for a part that reads it, and none for one that does not", async () => {
    const rows = `layer { name: "d" type: "DummyData" top: "d" dummy_data_param { shape { dim: 2 dim: 3 } data_filler { type: "uniform" } } }
      layer { name: "a" type: "InnerProduct" bottom: "d" top: "a" inner_product_param { num_output: 2 } }
      layer { name: "b" type: "Power" bottom: "a" top: "b" power_param { shift: 1 } }`;
    await using dummy = await Net.load(rows);
    const { a } = await dummy.forward({}, { end: "a" });
    const { b } = await dummy.forward({}, { start: "b" });
    expect([...b!.data]).to.deep.equal([...a!.data.map((value) => value + 1)]);
  });
});
