import { expect } from "chai";
import { loadNet } from "../../lib/caffe/load.js";
import { cropWarnings } from "../../lib/net/crop-offsets.js";
import { Net } from "../../lib/index.js";
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

describe("Crop without offsets", () => {
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

  it("warns of the offset that the authors of FCN-32s wrote later, 19", () => {
    const [warning, ...rest] = messages(fcn32 + layer("score", "Crop", "upscore data"));
    expect(rest).to.deep.equal([]);
    expect(warning).to.contain('"data" lies 19 and 19 entries further in "upscore"');
    expect(warning).to.contain("crop_param { axis: 2 offset: 19 offset: 19 }");
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
    expect(messages(fcn16.replace("CROP", ""))[0]).to.contain('"upscore2" lies 5 and 5 entries further in "score4"');
    const [last, ...rest] = messages(fcn16.replace("CROP", "crop_param { axis: 2 offset: 5 }"));
    expect(rest).to.deep.equal([]);
    expect(last).to.contain("offset: 27 offset: 27");
  });

  it("says nothing of blobs whose entries are other distances apart, or come from elsewhere", () => {
    const half = data + pool("p", "data") + layer("score", "Crop", "data p");
    expect(messages(half)).to.deep.equal([]);
    expect(messages(data + inputLayer("other", 1, 1, 9, 9) + layer("score", "Crop", "data other"))).to.deep.equal([]);
  });

  it("warns when a net is loaded", async () => {
    const told: string[] = [];
    const text = data + conv("c", "data", "kernel_size: 3 pad: 5") + layer("score", "Crop", "c data");
    await using _ = await Net.load(text, { onWarning: (warning) => told.push(warning.message) });
    expect(told).to.have.length(1);
    expect(told[0]).to.contain("lies 4 and 4 entries further");
  });
});
