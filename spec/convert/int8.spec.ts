import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { Net } from "../../lib/api/net.js";
import { convert, importWeights } from "../../lib/convert/index.js";
import { affineOf, Observed } from "../../lib/convert/int8/ranges.js";
import { saveRows } from "../../lib/data/source/table/save.js";
import { ModelProto } from "../../lib/onnx/schema.js";
import { cli } from "../support/cli.js";
import { failure } from "../support/failure.js";
import { freshFolder } from "../support/folder.js";

interface RawModel {
  readonly graph: {
    readonly node: readonly { readonly name: string; readonly op_type: string; readonly input: readonly string[] }[];
    readonly initializer: readonly {
      readonly name: string;
      readonly data_type: number;
      readonly dims: readonly { toNumber(): number }[];
      readonly raw_data: Uint8Array;
    }[];
  };
}
const decoded = (model: Uint8Array) => (ModelProto.decode(model) as unknown as RawModel).graph;

const conv = (name: string, bottom: string, outputs: number) =>
  `layer { name: "${name}" type: "Convolution" bottom: "${bottom}" top: "${name}" convolution_param { num_output: ${outputs}
    kernel_size: 3 weight_filler { type: "xavier" } bias_filler { type: "uniform" min: -0.5 max: 0.5 } } }`;
const NET = `layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 4 dim: 2 dim: 9 dim: 9 } } }
  ${conv("conv1", "data", 6)}
  layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
  layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1" pooling_param { kernel_size: 2 stride: 2 } }
  ${conv("conv2", "pool1", 5)}
  layer { name: "ip" type: "InnerProduct" bottom: "conv2" top: "ip" inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
  layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }`;
const noise = (i: number) => Math.sin(i * 12.9898) * 2 - Math.cos(i * 4.1414);
const rows = Array.from({ length: 20 }, (_, n) => ({
  data: [0, 1].map((c) =>
    Array.from({ length: 9 }, (_, y) => Array.from({ length: 9 }, (_, x) => noise(n * 162 + c * 81 + y * 9 + x))),
  ),
  label: n % 3,
}));
const fresh = { allowMissing: true, int8: true } as const;

describe("convert to int8", () => {
  const folder = freshFolder();
  const data = async () => {
    const path = join(folder(), "rows.arrow");
    await saveRows(path, rows);
    return path;
  };

  it("puts blobs through 8 bits around convolutions and inner products, and leaves layers their names", async () => {
    const { model, report } = await convert(NET, [], { ...fresh, calibrate: await data() });
    const nodes = decoded(model).node.map(({ name, op_type }) => `${name}: ${op_type}`);
    const through = (name: string) => [`${name}/quantize: QuantizeLinear`, `${name}/dequantize: DequantizeLinear`];
    const weights = (name: string) => [
      `${name}/weights/DequantizeLinear: DequantizeLinear`,
      `${name}/weights/DequantizeLinear_2: DequantizeLinear`,
    ];
    expect(nodes).to.deep.equal([
      ...through("data"),
      ...weights("conv1"),
      "conv1: Conv",
      "relu1: Relu",
      ...through("relu1"),
      "pool1: MaxPool",
      ...through("pool1"),
      ...weights("conv2"),
      "conv2: Conv",
      ...through("conv2"),
      "ip/Reshape: Reshape",
      ...through("ip"),
      ...weights("ip"),
      "ip/Gemm: Gemm",
      "prob: Softmax",
    ]);
    expect(report.int8).to.deep.equal({ layers: ["conv1", "conv2", "ip"], left: {} });
    expect(report.verification![0]!.within).to.equal(true);
    expect(report.verification![0]!.signalToNoise).to.be.within(20, 100);
    expect(report.accuracy[0]).to.deep.include({ output: "prob", rows: 20 });
  });

  it("stores weights as int8 with a scale for each channel, biases as int32, ranges after ReLU from 0 on", async () => {
    const { model } = await convert(NET, [], { ...fresh, calibrate: await data() });
    const { node, initializer } = decoded(model);
    const tensors = new Map(initializer.map((tensor) => [tensor.name, tensor]));
    const shapeOf = (name: string) => [tensors.get(name)!.data_type, ...tensors.get(name)!.dims.map(Number)];
    expect(shapeOf("conv1/0")).to.deep.equal([3, 6, 2, 3, 3]);
    expect(shapeOf("conv1/0/scale")).to.deep.equal([1, 6]);
    expect(shapeOf("conv1/1")).to.deep.equal([6, 6]);
    const stored = Array.from(new Int8Array(Uint8Array.from(tensors.get("conv1/0")!.raw_data).buffer));
    // Each channel's greatest weight is 64: sums of two products fit 16 bits.
    for (let c = 0; c < 6; c++) expect(Math.max(...stored.slice(18 * c, 18 * c + 18).map(Math.abs))).to.equal(64);
    const zeroOf = (name: string) => tensors.get(node.find((each) => each.name === name)!.input[2]!)!;
    expect([zeroOf("relu1/quantize").data_type, ...zeroOf("relu1/quantize").raw_data]).to.deep.equal([2, 0]);
    expect([...zeroOf("data/quantize").raw_data][0]).to.be.within(90, 165);
  });

  it("gives the same model whatever the opset's batch sizes, and an open batch", async () => {
    for (const opset of [13, 21]) {
      const { report } = await convert(NET, [], { ...fresh, opset, calibrate: await data() });
      expect(report.inputs).to.deep.equal({ data: ["N", 2, 9, 9] });
      expect(report.verification![0]!.within, `${opset}`).to.equal(true);
    }
  });

  it("leaves layers float that are named", async () => {
    const { model, report } = await convert(NET, [], { ...fresh, calibrate: await data(), floatLayers: ["conv1"] });
    expect(report.int8).to.deep.equal({ layers: ["conv2", "ip"], left: { conv1: "asked for" } });
    expect(decoded(model).initializer.find(({ name }) => name === "conv1/0")!.data_type).to.equal(1);
  });

  it("takes as many batches as asked for", async () => {
    const path = await data();
    const scale = async (calibrateBatches: number) => {
      const { model } = await convert(NET, [], { ...fresh, calibrate: path, calibrateBatches, verify: false });
      return Buffer.from(decoded(model).initializer.find(({ name }) => name === "conv1/1/scale")!.raw_data).toString(
        "hex",
      );
    };
    expect(await scale(1)).to.equal(await scale(1));
    expect(await scale(1)).to.not.equal(await scale(5));
  });

  it("refuses what does not go together, and data that does not fit", async () => {
    const path = await data();
    const run = (options: object) => convert(NET, [], { allowMissing: true, ...options });
    await failure(run({ int8: true }), "int8 needs data to take the ranges of blobs from\nnote: --calibrate DATA");
    await failure(run({ int8: true, fp16: true, calibrate: path }), "a model is either int8 or fp16");
    await failure(run({ calibrate: path }), "calibration is for int8 models");
    await failure(
      run({ int8: true, calibrate: path, calibrateBatches: 0 }),
      "calibrateBatches 0 is not a positive integer",
    );
    await failure(run({ int8: true, calibrate: path, floatLayers: ["conv9"] }), 'the net has no layer "conv9"');
    await failure(run({ int8: true, calibrate: path, height: 12 }), "rows of the data are [2,9,9]");
    await failure(run({ int8: true, calibrate: "nowhere" }), "nowhere");
    const plain = `input: "data" input_shape { dim: 4 dim: 2 dim: 9 dim: 9 } layer { name: "r" type: "ReLU" bottom: "data" top: "r" }`;
    await failure(convert(plain, [], { int8: true, calibrate: path }), "no convolution or inner product for 8 bits");
  });

  it("says that rounded weights are not to be imported", async () => {
    const { model } = await convert(NET, [], { ...fresh, calibrate: await data() });
    await failure(
      Promise.resolve().then(() => importWeights(model, NET)),
      "rounded to 8 bits: take the float model",
    );
  });

  it("is --int8 --calibrate on the command line, which reports the loss", async () => {
    const [net, weights, out] = ["net.prototxt", "net.caffemodel", "net.onnx"].map((name) => join(folder(), name)) as [
      string,
      string,
      string,
    ];
    writeFileSync(net, NET);
    await using loaded = await Net.load(net);
    await loaded.save(weights);
    const path = await data();
    const { status, stdout } = await cli(
      "convert",
      net,
      weights,
      "-o",
      out,
      "--int8",
      "--calibrate",
      path,
      "--float-layers",
      "ip",
    );
    expect(status).to.equal(0);
    expect(stdout).to.include("  int8     2 layers: conv1, conv2\n  float    ip: asked for\n");
    expect(stdout).to.match(
      /verified prob: largest difference [\d.e-]+, [\d.e-]+ of the largest value, [\d.]+ dB above noise/,
    );
    expect(stdout).to.match(/top-1 {4}prob: [\d.]+ of the net, [\d.]+ of the file, on 20 rows/);
    const without = await cli("convert", net, weights, "-o", out, "--int8");
    expect([without.status, without.stderr.includes("--calibrate DATA")]).to.deep.equal([1, true]);
  });
});

describe("ranges for 8 bits", () => {
  it("cover all but the rarest values, and 0 exactly", () => {
    const seen = new Observed();
    const values = Float32Array.from({ length: 100_000 }, (_, i) => (i % 1000) / 1000);
    seen.add(values);
    seen.add(Float32Array.of(50));
    const [low, high] = seen.range();
    expect(low).to.equal(0);
    expect(high).to.be.within(0.99, 1.05);
    expect(affineOf([low, high]).zero).to.equal(0);
  });

  it("keep what was counted when they widen", () => {
    const seen = new Observed();
    seen.add(Float32Array.of(-1, 1, 1));
    seen.add(Float32Array.of(-9, 100));
    const [low, high] = seen.range();
    expect([low, high]).to.deep.equal([-9, 100]);
    const { scale, zero } = affineOf([low, high]);
    expect(zero).to.equal(Math.round(9 / scale));
  });

  it("detect blobs that 8 bits cannot hold: numbers that are not finite, a few large ones among small ones", () => {
    const seen = new Observed();
    const values = new Float32Array(10_000).fill(1e-4);
    values[5] = 1;
    seen.add(values);
    expect(seen.signalToNoise(affineOf(seen.range()))).to.be.lessThan(20);
    const broken = new Observed();
    broken.add(Float32Array.of(1, Number.POSITIVE_INFINITY));
    expect([seen.isFinite, broken.isFinite]).to.deep.equal([true, false]);
  });
});
