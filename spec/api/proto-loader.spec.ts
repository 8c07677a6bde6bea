import { expect } from "chai";
import { ProtoLoader } from "../../lib/api/proto-loader.js";
import {
  ConvolutionLayer,
  Include,
  InnerProductLayer,
  LAYER_TYPES,
  layer,
  NetParam,
  Pooling,
  PoolingLayer,
  RDDLayer,
  ReLULayer,
  SoftmaxWithLoss,
} from "../../lib/caffe/builders.js";
import { filterNet } from "../../lib/caffe/filter.js";
import { loadNet } from "../../lib/caffe/load.js";
import { create } from "../../lib/caffe/message.js";
import { type NetParameter, Phase } from "../../lib/caffe/messages.js";
import { solverNets } from "../../lib/caffe/solver-nets.js";
import { NetrunError } from "../../lib/error.js";
import { printText } from "../../lib/text/print.js";
import { describeShared, sharedPath } from "../support/shared.js";

const net = (text: string) => loadNet(text, { name: "net" }).message;

/** The layers of a phase as "name(top: shape, ...)" for Input layers, "name" for others. */
function layersIn(message: NetParameter, phase: Phase): string[] {
  return filterNet(message, create("NetState", { phase })).layer.map(({ name, type, top, input_param }) =>
    type === "Input" ? `${name}(${top.map((t, i) => `${t}: ${input_param!.shape[i]!.dim}`).join("; ")})` : name,
  );
}

function refusal(load: () => unknown): string {
  try {
    load();
  } catch (error) {
    if (error instanceof NetrunError) return error.format();
    throw error;
  }
  throw new Error("not refused");
}

const LENET = `
layer { name: "mnist" type: "Data" top: "data" top: "label" include { phase: TRAIN } }
layer { name: "mnist" type: "Data" top: "data" top: "label" include { phase: TEST } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" }
layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy" include { phase: TEST } }`;

describe("replaceDataLayers", () => {
  it("puts one Input layer into each phase, with the original tops, and leaves the rest", () => {
    const replaced = ProtoLoader.replaceDataLayers(net(LENET), 64, 100, 1, 28, 28);
    expect(layersIn(replaced, Phase.TRAIN)).to.deep.equal(["mnist(data: 64,1,28,28; label: 64)", "ip"]);
    expect(layersIn(replaced, Phase.TEST)).to.deep.equal(["mnist(data: 100,1,28,28; label: 100)", "ip", "accuracy"]);
  });

  it("takes data layers of single blobs, of both phases and of stages", () => {
    const text = `
      layer { name: "label" type: "HDF5Data" top: "label" }
      layer { name: "image" type: "ImageData" top: "image" }
      layer { name: "other" type: "ImageData" top: "image" include { phase: TEST stage: "other" } }
      layer { name: "noise" type: "DummyData" top: "noise" }`;
    const replaced = ProtoLoader.replaceDataLayers(net(text), 2, 3, 4, 5, 6);
    expect(layersIn(replaced, Phase.TRAIN)).to.deep.equal(["label(label: 2; image: 2,4,5,6)", "noise"]);
    expect(layersIn(replaced, Phase.TEST)).to.deep.equal(["label(label: 3; image: 3,4,5,6)", "noise"]);
  });

  it("leaves a phase without data layers as it is", () => {
    const text =
      'layer { name: "d" type: "Data" top: "data" include { phase: TRAIN } } layer { name: "s" type: "Silence" bottom: "data" }';
    const replaced = ProtoLoader.replaceDataLayers(net(text), 2, 3, 4, 5, 6);
    expect(layersIn(replaced, Phase.TRAIN)).to.deep.equal(["d(data: 2,4,5,6)", "s"]);
    expect(layersIn(replaced, Phase.TEST)).to.deep.equal(["s"]);
  });

  it("gives the Input layers of a deploy net other shapes", () => {
    const replaced = ProtoLoader.replaceDataLayers(net('input: "x" input_dim: [1, 3, 9, 9]'), 2, 4, 3, 8, 8);
    expect(layersIn(replaced, Phase.TEST)).to.deep.equal(["input(x: 4,3,8,8)"]);
  });

  it("refuses a net without data layers, and data layers with more than data and label", () => {
    expect(refusal(() => ProtoLoader.replaceDataLayers(net("layer { }"), 1, 1, 1, 1, 1))).to.match(
      /^net:1:1: the net has no data layers to replace/,
    );
    const three = net('layer { type: "HDF5Data" top: "a" top: "b" top: "c" }');
    expect(refusal(() => ProtoLoader.replaceDataLayers(three, 1, 1, 1, 1, 1))).to.match(
      /^net:1:1: the data layers of phase TRAIN have the tops a, b, c[\s\S]*replaceDataLayersByShape/,
    );
  });

  it("takes shapes by blob name, in the test phase others", () => {
    const replaced = ProtoLoader.replaceDataLayersByShape(net(LENET), { data: [2, 5], label: [2, 1] }, {});
    expect(layersIn(replaced, Phase.TRAIN)).to.deep.equal(["mnist(data: 2,5; label: 2,1)", "ip"]);
    expect(layersIn(replaced, Phase.TEST)).to.deep.equal(["mnist", "ip", "accuracy"]);
    const both = net('layer { name: "d" type: "Data" top: "data" }');
    const trained = ProtoLoader.replaceDataLayersByShape(both, { data: [2] }, {});
    expect(layersIn(trained, Phase.TRAIN)).to.deep.equal(["d(data: 2)"]);
    expect(layersIn(trained, Phase.TEST)).to.deep.equal(["d"]);
  });

  it("refuses a shape for no blob, and a top without one", () => {
    const replace = (shapes: Record<string, number[]>) =>
      refusal(() => ProtoLoader.replaceDataLayersByShape(net(LENET), shapes));
    expect(replace({ data: [1], lable: [1] })).to.equal(
      'no data layer makes a blob "lable"\nnote: did you mean "label"?\nnote: data layers make data, label',
    );
    expect(replace({ data: [1] })).to.match(/^net:2:1: no shape is given for the top "label" of a data layer/);
  });
});

describeShared("ProtoLoader on published files", () => {
  const bvlc = (name: string) => sharedPath("zoo", "prototxt", "bvlc", name);

  it("replaces the data layers of the autoencoder's stages", () => {
    const replaced = ProtoLoader.replaceDataLayersByShape(
      ProtoLoader.loadNetPrototxt(bvlc("examples+mnist+mnist_autoencoder.prototxt")),
      { data: [8, 1, 28, 28] },
    );
    for (const phase of [Phase.TRAIN, Phase.TEST])
      expect(layersIn(replaced, phase).slice(0, 2)).to.deep.equal(["data(data: 8,1,28,28)", "flatdata"]);
  });

  it("puts a net into a solver, which then takes snapshots only if asked", () => {
    const path = sharedPath("zoo", "training", "lenet_solver.prototxt");
    const replaced = ProtoLoader.replaceDataLayers(net(LENET), 2, 3, 1, 28, 28);
    const silent = ProtoLoader.loadSolverPrototxtWithNet(path, replaced, null);
    expect([silent.snapshot, silent.snapshot_prefix, silent.snapshot_after_train]).to.deep.equal([0, "", false]);
    expect(solverNets(silent).train.net).to.equal(replaced);
    const netPath = sharedPath("zoo", "training", "lenet_train_test.prototxt");
    const solver = ProtoLoader.loadSolverWithNetPrototxt(path, netPath, "/tmp/lenet");
    expect([solver.snapshot_prefix, solver.net_param!.name]).to.deep.equal(["/tmp/lenet", "LeNet"]);
  });
});

describe("layer builders", () => {
  it("make SparkNet's LeNet", () => {
    const lenet = NetParam(
      "LeNet",
      RDDLayer("data", { shape: [64, 1, 28, 28], include: Include.Train }),
      RDDLayer("label", { shape: [64] }),
      ConvolutionLayer("conv1", ["data"], { kernel: [5, 5], numOutput: 20 }),
      PoolingLayer("pool1", ["conv1"], { pooling: Pooling.Max, kernel: [2, 2], stride: [2, 2] }),
      InnerProductLayer("ip1", ["pool1"], { numOutput: 500 }),
      ReLULayer("relu1", ["ip1"]),
      SoftmaxWithLoss("loss", ["relu1", "label"]),
    );
    expect(printText(lenet)).to.equal(
      printText(
        net(`name: "LeNet"
      layer { name: "data" type: "Input" top: "data" include { phase: TRAIN } input_param { shape { dim: [64, 1, 28, 28] } } }
      layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 64 } } }
      layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
        convolution_param { num_output: 20 kernel_h: 5 kernel_w: 5 } }
      layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
        pooling_param { pool: MAX kernel_h: 2 kernel_w: 2 stride_h: 2 stride_w: 2 } }
      layer { name: "ip1" type: "InnerProduct" bottom: "pool1" top: "ip1" inner_product_param { num_output: 500 } }
      layer { name: "relu1" type: "ReLU" bottom: "ip1" top: "relu1" relu_param { } }
      layer { name: "loss" type: "SoftmaxWithLoss" bottom: "relu1" bottom: "label" top: "loss" loss_param { } softmax_param { } }`),
      ),
    );
  });

  it("exist for every type, typed by its parameters", () => {
    expect(Object.keys(layer)).to.deep.equal(Object.keys(LAYER_TYPES));
    const conv = layer.Convolution("c", ["x"], { num_output: 2, kernel_size: [3], weight_filler: { type: "msra" } });
    expect(conv.convolution_param!.weight_filler!.type).to.equal("msra");
    const relu = layer.ReLU("r", ["c"], { negative_slope: 0.5 }, { top: ["c"], propagate_down: [false] });
    expect([relu.top, relu.relu_param!.negative_slope, relu.propagate_down]).to.deep.equal([["c"], 0.5, [false]]);
    expect(layer.Split("s", ["c"], {}, { top: ["a", "b"] }).top).to.deep.equal(["a", "b"]);
    // @ts-expect-error a pooling layer has no num_output
    expect(() => layer.Pooling("p", ["c"], { num_output: 3 })).to.throw(
      TypeError,
      "PoolingParameter has no field num_output",
    );
  });
});
