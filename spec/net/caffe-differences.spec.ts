import { expect } from "chai";
import { loadNet } from "../../lib/caffe/load.js";
import { Net } from "../../lib/index.js";
import type { PhaseName } from "../../lib/layers/index.js";
import { inputLayer, tensor } from "../support/net.js";

/** Warnings of a net's text: the layer's line, and the message from its layer on. */
async function warnings(text: string, phase: PhaseName = "TRAIN", caffeQuirks = false): Promise<readonly string[]> {
  const told: string[] = [];
  const onWarning = (warning: Error & { format(): string }) => told.push(warning.format().split("\n")[0]!);
  await using _net = await Net.load(text, { name: "net", phase, caffeQuirks, onWarning });
  return told;
}

const data = inputLayer("x", 2, 4, 3, 3) + inputLayer("target", 2, 4, 3, 3) + inputLayer("label", 2);
const layer = (type: string, bottom: string, top: string, rest = ""): string =>
  `layer { name: "${top === bottom ? `${type}_in_place` : `${type}_${top}`}" type: "${type}" ${bottom
    .split(" ")
    .map((name) => `bottom: "${name}"`)
    .join(" ")} ${top
    .split(" ")
    .map((name) => `top: "${name}"`)
    .join(" ")} ${rest} }\n`;
const conv = (bottom: string, top: string): string =>
  layer("Convolution", bottom, top, "convolution_param { num_output: 4 kernel_size: 1 }");
const loss = (bottom: string): string => layer("EuclideanLoss", `${bottom} target`, `loss_${bottom}`);
const flatLoss = (bottom: string): string =>
  layer("InnerProduct", bottom, "scores", "inner_product_param { num_output: 3 }") +
  layer("SoftmaxWithLoss", "scores label", "loss");

const IN_PLACE: readonly (readonly [type: string, rest: string])[] = [
  ["Clip", "clip_param { min: -1 max: 1 }"],
  ["BNLL", ""],
  ["Log", "log_param { shift: 9 }"],
  ["Power", ""],
  ["Power", "power_param { scale: 2 }"],
  ["Power", "power_param { power: 3 shift: 1 }"],
  ["MVN", ""],
  ["ReLU", "relu_param { negative_slope: -0.5 }"],
  ["ELU", "elu_param { alpha: -1 }"],
  ["LRN", ""],
  ["LRN", "lrn_param { norm_region: WITHIN_CHANNEL }"],
];

describe("nets that Caffe computes differently", () => {
  for (const [type, rest] of IN_PLACE) {
    it(`are warned about ${type} ${rest} in place, at its layer`, async () => {
      const told = await warnings(data + conv("x", "y") + layer(type, "y", "y", rest) + loss("y"));
      expect(told).to.have.length(1);
      expect(told[0]).to.match(new RegExp(`^net:5:\\d+: layer "${type}_in_place": in place, Caffe's`));
      expect(await warnings(data + conv("x", "y") + layer(type, "y", "z", rest) + loss("z")), "not in place").to.be
        .empty;
    });
  }

  it("are warned about Eltwise in place, whose first bottom Caffe loses", async () => {
    const two = data + conv("x", "y") + conv("x", "z");
    const eltwise = (top: string, rest = "") =>
      `layer { name: "e" type: "Eltwise" bottom: "y" bottom: "z" top: "${top}" ${rest} }\n`;
    const told = await warnings(two + eltwise("y") + loss("y"), "TEST");
    expect(told.map((each) => each.slice(0, 20))).to.deep.equal(['net:6:64: layer "e":']);
    expect(await warnings(two + eltwise("w") + loss("w"))).to.be.empty;
    expect(await warnings(two + eltwise("y", "eltwise_param { operation: PROD }") + loss("y"), "TRAIN")).to.have.length(
      1,
    );
  });

  it("get no warning about layers in place that keep what they need, nor about formulas that do not read it", async () => {
    const fine: readonly (readonly [string, string])[] = [
      ["ReLU", ""],
      ["ReLU", "relu_param { negative_slope: 0.1 }"],
      ["ELU", ""],
      ["PReLU", ""],
      ["Dropout", ""],
      ["Scale", ""],
      ["Bias", ""],
      ["BatchNorm", ""],
      ["Sigmoid", ""],
      ["TanH", ""],
      ["Exp", ""],
      ["Softmax", ""],
      ["Swish", ""],
      ["Power", "power_param { power: 0 }"],
      ["MVN", "mvn_param { normalize_variance: false }"],
    ];
    for (const [type, rest] of fine)
      expect(await warnings(data + conv("x", "y") + layer(type, "y", "y", rest) + loss("y")), `${type} ${rest}`).to.be
        .empty;
  });

  it("are warned about layers in place on a top that a gradient reads", async () => {
    for (const type of ["Sigmoid", "TanH", "Exp", "ELU", "Swish", "MVN", "Softmax", "LRN"]) {
      const under = data + conv("x", "y") + layer(type, "y", "z");
      const told = await warnings(under + layer("Dropout", "z", "z") + loss("z"));
      expect(told, type).to.have.length(1);
      expect(told[0], type).to.match(new RegExp(`^net:6:\\d+: layer "Dropout_in_place": .* layer "${type}_z"`));
      expect(await warnings(under + layer("Dropout", "z", "w") + loss("w")), type).to.be.empty;
    }
    // What ReLU sets to 0 has no gradient, and it leaves the rest.
    const under = data + conv("x", "y") + layer("TanH", "y", "z");
    expect(await warnings(under + layer("ReLU", "z", "z") + loss("z"))).to.be.empty;
    const chain = under + layer("ReLU", "z", "z") + layer("Dropout", "z", "z") + loss("z");
    expect((await warnings(chain)).map((each) => each.slice(0, 6))).to.deep.equal(["net:7:"]);
    expect(
      await warnings(data + conv("x", "y") + layer("MVN", "y", "z") + layer("ReLU", "z", "z") + loss("z")),
    ).to.have.length(1);
  });

  it("are warned about layers in place that change the signs that ReLU in place reads, and of no others", async () => {
    const under = data + conv("x", "y") + layer("ReLU", "y", "y");
    const behind = (type: string, rest = "") => warnings(under + layer(type, "y", "y", rest) + loss("y"));
    expect((await behind("BatchNorm")).map((each) => each.slice(0, 6))).to.deep.equal(["net:6:"]);
    expect(await behind("Dropout")).to.be.empty;
    const shared = under + layer("Dropout", "y", "y") + conv("y", "v") + conv("y", "w") + loss("v") + loss("w");
    expect(await warnings(shared), "several readers behind it").to.be.empty;
  });

  it("are warned about layers in place on shared memory", async () => {
    const split = data + conv("x", "y") + layer("Split", "y", "a b");
    const told = await warnings(split + layer("ReLU", "a", "a") + conv("b", "c") + loss("a") + loss("c"), "TEST");
    expect(told).to.have.length(1);
    expect(told[0]).to.match(/^net:6:\d+: layer "ReLU_in_place": .*layer "Convolution_c" below/);
    // A layer above has run before; its gradient reads what is there then.
    const above = split + conv("b", "c") + layer("ReLU", "a", "a") + loss("a") + loss("c");
    expect(await warnings(above, "TEST")).to.be.empty;
    expect((await warnings(above, "TRAIN")).map((each) => each.slice(0, 6))).to.deep.equal(["net:7:"]);
    const pooled = split + layer("Pooling", "b", "c", "pooling_param { kernel_size: 1 }");
    expect(await warnings(pooled + layer("ReLU", "a", "a") + loss("a") + loss("c"))).to.be.empty;
    expect(await warnings(split + layer("ReLU", "a", "d") + conv("b", "c") + loss("d") + loss("c"))).to.be.empty;
  });

  it("are warned about layers in place on the top of Flatten, where another layer reads its bottom", async () => {
    for (const type of ["Flatten", "Reshape", "Concat", "Slice"]) {
      const rest = type === "Reshape" ? "reshape_param { shape { dim: 0 dim: -1 } }" : "";
      const under = data + conv("x", "y") + layer(type, "y", "f", rest) + layer("ReLU", "f", "f") + flatLoss("f");
      expect(await warnings(under), `${type} alone`).to.be.empty;
      const told = await warnings(under + conv("y", "c") + loss("c"));
      expect(told, type).to.have.length(1);
      expect(told[0], type).to.match(/^net:6:\d+: layer "ReLU_in_place"/);
    }
    const sigmoid = data + conv("x", "y") + layer("Sigmoid", "y", "s") + layer("Flatten", "s", "f");
    expect(await warnings(sigmoid + layer("Dropout", "f", "f") + flatLoss("f"))).to.have.length(1);
  });

  it("are warned about gradients that Flatten loses", async () => {
    const reshape = layer("Reshape", "y", "r", "reshape_param { shape { dim: 0 dim: 4 dim: 9 } }");
    const one = (made: string, top: string) =>
      data + conv("x", "y") + made + layer("Flatten", top, "f") + flatLoss("f");
    for (const made of [reshape, layer("Concat", "y", "r"), layer("Slice", "y", "r")]) {
      const told = await warnings(one(made, "r"));
      expect(told, made).to.have.length(1);
      expect(told[0], made).to.match(/^net:6:\d+: layer "Flatten_f": behind layer .*, Caffe loses the gradient of "r"/);
    }
    const rnn = inputLayer("s", 2, 2, 3) + inputLayer("cont", 2, 2) + inputLayer("label", 2);
    const recurrent = layer("RNN", "s cont", "r", "recurrent_param { num_output: 2 weight_filler { type: 'xavier' } }");
    expect(await warnings(rnn + recurrent + layer("Flatten", "r", "f") + flatLoss("f"))).to.have.length(1);
    expect(await warnings(one(reshape + layer("ReLU", "r", "r"), "r")), "in place between").to.have.length(1);
    expect(await warnings(one(layer("Pooling", "y", "r", "pooling_param { kernel_size: 1 }"), "r"))).to.be.empty;
    expect(await warnings(one(layer("Concat", "y x", "r"), "r"))).to.be.empty;
    expect(await warnings(`${one(reshape, "r")}layer { name: "s" type: "Silence" bottom: "r" }`), "split").to.be.empty;
    const untied = data + layer("Reshape", "x", "r", "reshape_param { shape { dim: 0 dim: 4 dim: 9 } }");
    expect(await warnings(untied + layer("Flatten", "r", "f") + flatLoss("f")), "nothing learns below").to.be.empty;
  });

  it("are warned about margins that HingeLoss of weight 0 adds to a gradient", async () => {
    const scores = data + layer("InnerProduct", "x", "s", "inner_product_param { num_output: 3 }");
    const softmax = layer("SoftmaxWithLoss", "s label", "loss");
    const hinge = (rest: string) => layer("HingeLoss", "s label", "hinge", rest);
    const told = await warnings(scores + softmax + hinge("loss_weight: 0"));
    expect(told).to.have.length(1);
    expect(told[0]).to.match(/^net:6:\d+: layer "HingeLoss_hinge": without a gradient of its own, Caffe adds max/);
    expect(await warnings(scores + softmax + hinge("loss_weight: 0"), "TEST")).to.be.empty;
    expect(await warnings(scores + softmax + hinge("loss_weight: 0.5"))).to.be.empty;
    expect(await warnings(scores + hinge("loss_weight: 0")), "no other reader").to.be.empty;
    const split = scores + layer("Split", "s", "a b") + layer("SoftmaxWithLoss", "a label", "loss");
    expect(await warnings(split + layer("HingeLoss", "b label", "hinge", "loss_weight: 0"))).to.have.length(1);
  });

  it("are warned about propagate_down: false that Caffe ignores", async () => {
    const ignoring: readonly (readonly [type: string, rest: string])[] = [
      ["LRN", ""],
      ["MVN", ""],
      ["BatchNorm", ""],
      ["Softmax", ""],
      ["Flatten", ""],
      ["Im2col", "convolution_param { kernel_size: 1 }"],
      ["Reshape", "reshape_param { shape { dim: 0 dim: 0 dim: 0 dim: 0 } }"],
    ];
    const net = (type: string, rest: string, others: string) =>
      data + conv("x", "y") + layer(type, "y", "z", `propagate_down: false ${rest}`) + flatLoss("z") + others;
    for (const [type, rest] of ignoring) {
      const told = await warnings(net(type, rest, loss("y")));
      expect(told, type).to.have.length(1);
      expect(told[0], type).to.match(new RegExp(`^net:5:\\d+: layer "${type}_z": .*propagate_down: false`));
      expect(await warnings(net(type, rest, "")), `${type} alone`).to.be.empty;
      expect(await warnings(`force_backward: true ${net(type, rest, loss("y"))}`), `${type}, forced`).to.be.empty;
    }
    expect(await warnings(net("Power", "", loss("y")))).to.be.empty;
    expect(await warnings(net("LRN", "lrn_param { norm_region: WITHIN_CHANNEL }", loss("y")))).to.be.empty;
  });

  it("are warned about gradients once, at the first backward if they do not train", async () => {
    const text = data + conv("x", "y") + layer("BNLL", "y", "y");
    const told: string[] = [];
    await using net = await Net.load(text, { name: "net", onWarning: (warning) => told.push(warning.message) });
    const zeros = (shape: readonly number[]) => tensor(new Array(shape.reduce((a, b) => a * b, 1)).fill(0), shape);
    const inputs = { x: zeros([2, 4, 3, 3]), target: zeros([2, 4, 3, 3]), label: zeros([2]) };
    await net.forward(inputs);
    expect(told).to.be.empty;
    for (let i = 0; i < 2; i++) {
      await net.backward({ y: zeros([2, 4, 3, 3]) });
      await net.forward(inputs);
    }
    expect(told).to.have.length(1);
  });

  it("take no longer where a blob is changed in place ten thousand times", async () => {
    const { memoryOf } = await import("../../lib/net/memory.js");
    const { differencesFromCaffe } = await import("../../lib/net/differences.js");
    const relu = Array.from({ length: 10_000 }, (_, i) => `layer { name: "r${i}" type: "ReLU" bottom: "x" top: "x" }`);
    const { message } = loadNet(data + relu.join("\n"));
    const options = { phase: "TRAIN", forceBackward: false, learning: new Set<string>(), wanted: "all" } as const;
    const startMs = process.cpuUsage().user / 1000;
    expect(memoryOf(message.layer, options).uses).to.have.length(10_003);
    expect(differencesFromCaffe(message.layer, { ...options, caffeQuirks: false })).to.be.empty;
    expect(process.cpuUsage().user / 1000 - startMs).to.be.below(1500);
  });
});
