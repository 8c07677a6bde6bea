import { expect } from "chai";
import { convert } from "../../lib/convert/index.js";
import { NetrunError } from "../../lib/error.js";
import { Net } from "../../lib/index.js";
import { openModelFile } from "../../lib/onnx/file.js";
import { ModelProto } from "../../lib/onnx/schema.js";
import { failure } from "../support/failure.js";
import { inputLayer } from "../support/net.js";
import { describeShared, sharedPath } from "../support/shared.js";

interface RawModel {
  readonly metadata_props: readonly { readonly key: string; readonly value: string }[];
  readonly ir_version: { toNumber(): number };
  readonly opset_import: readonly { readonly version: { toNumber(): number } }[];
  readonly graph: { readonly node: readonly { readonly name: string; readonly op_type: string }[] };
}

const decoded = (model: Uint8Array) => ModelProto.decode(model) as unknown as RawModel;
const nodesOf = (model: Uint8Array) => decoded(model).graph.node.map(({ name, op_type }) => `${name}: ${op_type}`);

const input = `input: "data" input_shape { dim: 1 dim: 3 dim: 8 dim: 8 }`;
const conv = (name: string, bottom: string, more = "") =>
  `layer { name: "${name}" type: "Convolution" bottom: "${bottom}" top: "${name}"
    convolution_param { num_output: 4 kernel_size: 3 ${more} weight_filler { type: "xavier" } bias_filler { type: "constant" value: 0.5 } } }`;
const batchNorm = (name: string, blob: string) => `
  layer { name: "bn_${name}" type: "BatchNorm" bottom: "${blob}" top: "${blob}" }
  layer { name: "scale_${name}" type: "Scale" bottom: "${blob}" top: "${blob}" scale_param { bias_term: true
    filler { type: "uniform" min: 0.5 max: 2 } bias_filler { type: "uniform" min: -1 max: 1 } } }`;
const fresh = { allowMissing: true } as const;

describe("convert", () => {
  it("folds BatchNorm and Scale into the convolution before them, and names nodes like layers", async () => {
    const net = `${input} ${conv("conv1", "data", "bias_term: false")} ${batchNorm("1", "conv1")}
      layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
      layer { name: "drop1" type: "Dropout" bottom: "conv1" top: "drop1" }
      layer { name: "pool1" type: "Pooling" bottom: "drop1" top: "pool1" pooling_param { pool: AVE global_pooling: true } }`;
    const { model, report } = await convert(net, [], fresh);
    expect(nodesOf(model)).to.deep.equal(["conv1: Conv", "relu1: Relu", "pool1: GlobalAveragePool"]);
    expect(report.folded).to.deep.equal({ conv1: ["bn_1", "scale_1"] });
    expect(report.inputs).to.deep.equal({ data: ["N", 3, 8, 8] });
    expect(report.outputs).to.deep.equal({ pool1: ["N", 4, 1, 1] });
    expect(report.verification!.map(({ output, within }) => [output, within])).to.deep.equal([["pool1", true]]);
  });

  it("leaves BatchNorm and Scale after another layer as one BatchNormalization", async () => {
    const net = `${input} layer { name: "relu" type: "ReLU" bottom: "data" top: "relu" } ${batchNorm("1", "relu")}`;
    const { model, report } = await convert(net, [], fresh);
    expect(nodesOf(model)).to.deep.equal(["relu: Relu", "bn_1: BatchNormalization"]);
    expect(report.verification![0]!.within).to.equal(true);
  });

  it("does not fold what has another user", async () => {
    const net = `${input} ${conv("conv1", "data")}
      layer { name: "scale" type: "Scale" bottom: "conv1" top: "scale" scale_param { filler { type: "uniform" min: 1 max: 2 } } }
      layer { name: "sum" type: "Eltwise" bottom: "conv1" bottom: "scale" top: "sum" }`;
    const { model } = await convert(net, [], fresh);
    expect(nodesOf(model)).to.deep.equal(["conv1: Conv", "scale: Mul", "sum: Add"]);
  });

  it("folds into grouped transposed convolutions and inner products", async () => {
    const net = `${input}
      layer { name: "up" type: "Deconvolution" bottom: "data" top: "up" convolution_param { num_output: 6 group: 3
        kernel_size: 2 stride: 2 weight_filler { type: "xavier" } } } ${batchNorm("up", "up")}
      layer { name: "ip" type: "InnerProduct" bottom: "up" top: "ip" inner_product_param { num_output: 5
        weight_filler { type: "xavier" } } } ${batchNorm("ip", "ip")}`;
    const { model, report } = await convert(net, [], fresh);
    expect(nodesOf(model)).to.deep.equal(["up: ConvTranspose", "ip/Reshape: Reshape", "ip/Gemm: Gemm"]);
    expect(report.verification![0]!.within).to.equal(true);
  });

  it("writes PReLU, ReLU with a slope, ELU, Clip and LRN as ONNX's own ops", async () => {
    const net = `${input}
      layer { name: "a" type: "PReLU" bottom: "data" top: "a" }
      layer { name: "b" type: "ReLU" bottom: "a" top: "b" relu_param { negative_slope: 0.1 } }
      layer { name: "c" type: "ELU" bottom: "b" top: "c" }
      layer { name: "d" type: "Clip" bottom: "c" top: "d" clip_param { min: 0 max: 6 } }
      layer { name: "e" type: "LRN" bottom: "d" top: "e" lrn_param { local_size: 3 alpha: 0.5 } }`;
    const { model, report } = await convert(net, [], fresh);
    expect(nodesOf(model)).to.deep.equal(["a: PRelu", "b: LeakyRelu", "c: Elu", "d: Clip", "e: LRN"]);
    expect(report.verification![0]!.within).to.equal(true);
  });

  it("writes LRN of many channels as a convolution and roots, which are exact and in half precision do not overflow", async () => {
    const net = `input: "data" input_shape { dim: 1 dim: 64 dim: 3 dim: 3 }
      layer { name: "lrn" type: "LRN" bottom: "data" top: "lrn" lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 k: 2 } }`;
    const data = Float32Array.from({ length: 2 * 64 * 9 }, (_, i) => 2000 * Math.sin(i));
    const batch = { data: { shape: [2, 64, 3, 3], data } };
    for (const options of [{}, { fp16: true }, { opset: 13 }, { opset: 21 }]) {
      const { model, report } = await convert(net, [], { ...options, verify: [batch] });
      expect(nodesOf(model).filter((node) => node.includes("Conv") || node.endsWith("LRN"))).to.deep.equal([
        "lrn/Conv: Conv",
      ]);
      expect(report.verification![0]!.within).to.equal(true);
    }
  });

  it("gives data layers as inputs and losses as predictions, without scores", async () => {
    const net = `
      layer { name: "data" type: "Data" top: "data" top: "label" transform_param { crop_size: 8 } data_param { batch_size: 4 source: "nowhere" } }
      layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
      layer { name: "acc" type: "Accuracy" bottom: "ip" bottom: "label" top: "acc" }
      layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }`;
    const { report } = await convert(net, [], fresh);
    expect(report.inputs).to.deep.equal({ data: ["N", 3, 8, 8] });
    expect(report.outputs).to.deep.equal({ loss: ["N", 5] });
  });

  it("runs at batch sizes and image sizes that it never saw", async () => {
    const net = `${input} ${conv("conv1", "data", "pad: 1")} layer { name: "prob" type: "Softmax" bottom: "conv1" top: "prob" }`;
    const { model, report } = await convert(net, [], { ...fresh, dynamicSpatial: true });
    expect(report.inputs).to.deep.equal({ data: ["N", 3, "height", "width"] });
    await using file = await openModelFile(model);
    const { prob } = await file.run({ data: { shape: [4, 3, 11, 6], data: new Float32Array(4 * 3 * 11 * 6) } });
    expect(prob!.shape).to.deep.equal([4, 4, 11, 6]);
  });

  it("rounds pooled sizes and divides averages as Caffe does at every image size", async () => {
    const pooling = (name: string, bottom: string, param: string) =>
      `layer { name: "${name}" type: "Pooling" bottom: "${bottom}" top: "${name}" pooling_param { ${param} } }`;
    const net = `${input}
      ${pooling("max", "data", "pool: MAX kernel_size: 3 stride: 2")} ${pooling("padded", "data", "pool: MAX kernel_size: 3 stride: 2 pad: 1")}
      ${pooling("ave", "data", "pool: AVE kernel_size: 3 stride: 2")} ${pooling("floor", "data", "pool: AVE kernel_size: 3 stride: 2 pad: 1 round_mode: FLOOR")}
      ${pooling("whole", "max", "pool: AVE global_pooling: true")}
      ${pooling("deep", "max", "pool: AVE kernel_h: 2 kernel_w: 4 stride_h: 2 stride_w: 3 pad_h: 0 pad_w: 1")}`;
    const { model } = await convert(net, [], { ...fresh, dynamicSpatial: true });
    await using file = await openModelFile(model);
    for (const [height, width] of [
      [8, 8],
      [9, 12],
      [11, 13],
      [14, 7],
    ] as const) {
      const shape = [2, 3, height, width];
      const data = Float32Array.from({ length: 6 * height * width }, (_, i) => Math.sin(i * 1.7));
      await using reference = await Net.load(net, { shapes: { data: shape } });
      const expected = await reference.forward({ data: { shape, data } });
      const actual = await file.run({ data: { shape, data } });
      for (const [name, { shape: size, data: values }] of Object.entries(actual)) {
        expect(size, name).to.deep.equal(expected[name]!.shape);
        values.forEach((value, i) => {
          expect(value, `${name}[${i}] of ${height}x${width}`).to.be.closeTo(expected[name]!.data[i]!, 1e-6);
        });
      }
    }
  });

  it("says which layer needs a height and width", async () => {
    const net = `${input} layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 9
      weight_filler { type: "xavier" } } }`;
    const error = await convert(net, [], { ...fresh, dynamicSpatial: true }).catch((e) => e);
    expect(error).to.be.instanceOf(NetrunError);
    expect(error.message).to.equal(
      "height and width cannot be left open: the size of blob ip/0 depends on the shape of the input",
    );
  });

  it("writes each opset with the IR version of its time", async () => {
    for (const [opset, ir] of [
      [13, 7],
      [17, 8],
      [18, 8],
      [21, 10],
    ] as const) {
      const { model, report } = await convert(`${input} ${conv("c", "data")}`, [], { ...fresh, opset });
      const { ir_version, opset_import } = decoded(model);
      expect([opset_import[0]!.version.toNumber(), ir_version.toNumber()]).to.deep.equal([opset, ir]);
      expect(report.verification![0]!.within).to.equal(true);
    }
  });

  it("lists layers without weights and layers of another shape", async () => {
    const blob = (...shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) });
    const weights = new Map([
      ["conv1", [blob(4, 3, 5, 5), blob(4)]],
      ["conv_2", [blob(4, 4, 3, 3), blob(4)]],
    ]);
    const error = await convert(`${input} ${conv("conv1", "data")} ${conv("conv2", "conv1")}`, weights).catch((e) => e);
    expect(error).to.be.instanceOf(NetrunError);
    expect(error.notes).to.deep.equal([
      'layer "conv2" has no weights; the file has "conv_2"',
      'blob 0 of layer "conv1" is [4,3,5,5], the net has [4,3,3,3]',
      "layers that only the file has: conv_2",
      "--allow-missing fills missing and misshapen layers by their fillers",
    ]);
  });

  it("writes the preprocessing to the metadata, and on request into the graph", async () => {
    const net = `layer { name: "data" type: "Data" top: "data" transform_param { crop_size: 8 scale: 0.5 mean_value: 1 mean_value: 2 mean_value: 3 }
      data_param { batch_size: 1 source: "nowhere" } } ${conv("conv1", "data")}`;
    const { model } = await convert(net, [], fresh);
    const { metadata_props } = decoded(model);
    const said = JSON.parse(metadata_props.find(({ key }) => key === "netrun.preprocessing")!.value);
    expect(said).to.deep.equal({
      input: "data",
      channels: "BGR",
      range: [0, 255],
      mean: [1, 2, 3],
      mean_image: false,
      scale: 0.5,
      height: 8,
      width: 8,
      in_graph: false,
    });
    const inGraph = await convert(net, [], { ...fresh, preprocess: true });
    expect(nodesOf(inGraph.model)).to.deep.equal(["preprocess/Sub: Sub", "preprocess/Mul: Mul", "conv1: Conv"]);
    expect(inGraph.report.verification![0]!.within).to.equal(true);
  });

  it("puts large weights into a file of their own, and checks both", async () => {
    const net = `${input} layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 9
      weight_filler { type: "xavier" } } }`;
    const { model, externalData, report } = await convert(net, [], { ...fresh, externalData: "ip.data" });
    expect([externalData!.name, externalData!.parts.map(({ length }) => length)]).to.deep.equal([
      "ip.data",
      [9 * 192 * 4],
    ]);
    expect(model.length).to.be.lessThan(2000);
    expect(report.verification![0]!.within).to.equal(true);
  });

  it("gives the blobs that are asked for and drops what they do not need", async () => {
    const net = `${input} ${conv("conv1", "data")} ${conv("conv2", "conv1")}`;
    const { model, report } = await convert(net, [], { ...fresh, outputs: ["conv1"] });
    expect(nodesOf(model)).to.deep.equal(["conv1: Conv"]);
    expect(Object.keys(report.outputs)).to.deep.equal(["conv1"]);
  });
});

describe("convert, of nets whose names ONNX does not bear", () => {
  it("keeps several rows an image with a fixed batch size, and the net's order of inputs", async () => {
    const net = `${inputLayer("data", 1, 3, 8, 8)} ${inputLayer("rois", 10, 5)}
      layer { name: "copy" type: "Power" bottom: "rois" top: "copy" power_param { scale: 2 } }
      layer { name: "roi" type: "ROIPooling" bottom: "data" bottom: "copy" top: "roi" roi_pooling_param { pooled_h: 2 pooled_w: 2 } }`;
    const { inputs } = (await convert(net, [], { batch: 2 })).report;
    expect(Object.entries(inputs)).to.deep.equal([
      ["data", [2, 3, 8, 8]],
      ["rois", [20, 5]],
    ]);
  });

  it("does not give what a loss only compares with, if nothing trained is in it", async () => {
    const net = `${inputLayer("data", 1, 1, 2, 2)}
      layer { name: "flat" type: "Flatten" bottom: "data" top: "flat" }
      layer { name: "ip" type: "InnerProduct" bottom: "flat" top: "ip" inner_product_param { num_output: 4 } }
      layer { name: "target" type: "Power" bottom: "flat" top: "target" power_param { scale: 0.5 } }
      layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "target" top: "loss" }`;
    const { report } = await convert(net, [], { allowMissing: true });
    expect(Object.keys(report.outputs)).to.deep.equal(["ip"]);
  });

  it("refuses a blob that is input and output, since ONNX has one name for one thing", async () => {
    const net = `${input} layer { name: "relu" type: "ReLU" bottom: "data" top: "data" }`;
    await failure(convert(net, []), 'blob "data" is an input and an output');
    const apart = `${input} layer { name: "relu" type: "ReLU" bottom: "data" top: "r" }`;
    await failure(convert(apart, [], { outputs: ["r", "data"] }), 'blob "data" is an input, which no layer changes');
  });
});

describeShared("convert, of published models with their weights", () => {
  const zoo = (...parts: string[]) => sharedPath("zoo", ...parts);
  const cases = [
    ["prototxt/bvlc/examples+mnist+lenet.prototxt", "lenet_iter_10000"],
    ["prototxt/bvlc/examples+cifar10+cifar10_quick.prototxt", "cifar10_quick_iter_5000"],
    ["prototxt/bvlc/examples+cifar10+cifar10_full.prototxt", "cifar10_full_iter_70000"],
    ["models/mtcnn_det1.prototxt", "mtcnn_det1"],
    ["models/mtcnn_det2.prototxt", "mtcnn_det2"],
  ] as const;
  for (const [net, weights] of cases) {
    it(`${weights} is verified`, async () => {
      const { report } = await convert(zoo(net), zoo("models", `${weights}.caffemodel`));
      for (const { output, within } of report.verification!) expect(within, output).to.equal(true);
      expect(report.fixedBatch).to.equal(undefined);
    });
  }
});
