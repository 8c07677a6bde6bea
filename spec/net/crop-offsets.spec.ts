import { expect } from "chai";
import { loadNet } from "../../lib/caffe/load.js";
import { cropWarnings } from "../../lib/net/crop-offsets.js";
import { convert, Net } from "../../lib/index.js";
import { noise } from "../support/forks.js";
import { inputLayer } from "../support/net.js";

const layer = (name: string, type: string, bottoms: string, param = "") =>
  `layer { name: "${name}" type: "${type}" ${bottoms
    .split(" ")
    .map((bottom) => `bottom: "${bottom}"`)
    .join(" ")} top: "${name}" ${param} }\n`;
const conv = (name: string, bottom: string, param: string) =>
  layer(name, "Convolution", bottom, `convolution_param { num_output: 1 ${param} }`);
const pool = (name: string, bottom: string) =>
  layer(name, "Pooling", bottom, "pooling_param { kernel_size: 2 stride: 2 }");
const up = (name: string, bottom: string, param: string) =>
  layer(name, "Deconvolution", bottom, `convolution_param { num_output: 1 ${param} }`);
const messages = (text: string) => cropWarnings(loadNet(text).message.layer).map((warning) => warning.format());

describe("Crop without crop_param", () => {
  const data = inputLayer("data", 1, 3, 60, 60);
  const fcn32 =
    data +
    conv("conv1", "data", "kernel_size: 3 pad: 100") +
    layer("relu", "ReLU", "conv1") +
    pool("p1", "relu") +
    pool("p2", "p1") +
    pool("p3", "p2") +
    pool("p4", "p3") +
    pool("p5", "p4") +
    conv("fc6", "p5", "kernel_size: 7") +
    up("upscore", "fc6", "kernel_size: 64 stride: 32");

  it("has the offset that the authors of FCN-32s wrote later, 19, and tells it", () => {
    const [warning, ...rest] = messages(fcn32 + layer("score", "Crop", "upscore data"));
    expect(rest).to.deep.equal([]);
    expect(warning).to.contain('begins 19 and 19 entries further in, where "data" lies in "upscore"');
    expect(warning).to.contain("crop_param { axis: 2 offset: 19 offset: 19 }");
  });

  it("is computed as with that offset, in a converted file too", async () => {
    const net = (param: string) =>
      data +
      up("u", "data", "kernel_size: 5 stride: 1 pad: 0 weight_filler { type: 'constant' value: 0.1 }") +
      conv("c", "u", "kernel_size: 3 pad: 1 weight_filler { type: 'constant' value: 0.3 }") +
      layer("score", "Crop", "c data", param);
    const feeds = { data: noise(1, [1, 3, 60, 60]) };
    await using old = await Net.load(net(""));
    await using told = await Net.load(net("crop_param { axis: 2 offset: 2 }"));
    await using corner = await Net.load(net("crop_param { offset: 0 axis: 2 }"));
    const [a, b, c] = [await old.forward(feeds), await told.forward(feeds), await corner.forward(feeds)];
    expect(a["score"]!.data).to.deep.equal(b["score"]!.data);
    expect(a["score"]!.data).not.to.deep.equal(c["score"]!.data);
    const { report } = await convert(net(""), old.stored(), { verify: [feeds] });
    expect(report.verification!.every(({ within }) => within)).to.equal(true);
  });

  it("says nothing where offsets are given, or where the corners are the same", () => {
    expect(messages(fcn32 + layer("score", "Crop", "upscore data", "crop_param { axis: 2 offset: 19 }"))).to.deep.equal(
      [],
    );
    const same =
      data + conv("c", "data", "kernel_size: 3 pad: 1") + pool("p", "c") + up("u", "p", "kernel_size: 2 stride: 2");
    expect(messages(same + layer("score", "Crop", "u data"))).to.deep.equal([]);
  });

  it("follows a crop to the next, as FCN-16s does: 5 and 27", () => {
    const fcn16 = `${fcn32.replace(/layer \{ name: "upscore".*\n/, "")}
      ${up("upscore2", "fc6", "kernel_size: 4 stride: 2")} ${conv("score4", "p4", "kernel_size: 1")}
      ${layer("score4c", "Crop", "score4 upscore2", "CROP")}
      ${layer("fuse", "Eltwise", "upscore2 score4c")} ${up("upscore16", "fuse", "kernel_size: 32 stride: 16")}
      ${layer("score", "Crop", "upscore16 data")}`;
    const [first, last] = messages(fcn16.replace("CROP", ""));
    expect(first).to.contain('begins 5 and 5 entries further in, where "upscore2" lies in "score4"');
    expect(last).to.contain("offset: 27 offset: 27");
  });

  it("says nothing of blobs whose entries are other distances apart, or come from elsewhere", () => {
    const half = data + pool("p", "data") + layer("score", "Crop", "data p");
    expect(messages(half)).to.deep.equal([]);
    expect(messages(data + inputLayer("other", 1, 1, 9, 9) + layer("score", "Crop", "data other"))).to.deep.equal([]);
  });

  it("is Caffe's corner where any Crop of the net has crop_param, or the fork would refuse it", () => {
    const two = (param: string) =>
      data +
      conv("c", "data", "kernel_size: 3 pad: 5") +
      layer("s1", "Crop", "c data") +
      layer("s2", "Crop", "c data", param);
    expect(messages(two(""))).to.have.length(2);
    expect(messages(two("crop_param { axis: 2 }"))).to.deep.equal([]);
    const smaller = data + conv("c", "data", "kernel_size: 3") + layer("s", "Crop", "data c");
    expect(messages(smaller)[0]).to.contain("begins 1 and 1 entries further in");
    expect(messages(data + conv("c", "data", "kernel_size: 3") + layer("s", "Crop", "c data"))).to.deep.equal([]);
    const half = data + conv("c", "data", "kernel_size: 4 pad: 5") + layer("s", "Crop", "c data");
    expect(messages(half)).to.deep.equal([]);
  });

  it("warns when a net is loaded", async () => {
    const told: string[] = [];
    const text = data + conv("c", "data", "kernel_size: 3 pad: 5") + layer("score", "Crop", "c data");
    await using _ = await Net.load(text, { onWarning: (warning) => told.push(warning.message) });
    expect(told).to.have.length(1);
    expect(told[0]).to.contain("begins 4 and 4 entries further in");
  });
});
