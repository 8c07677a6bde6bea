import { expect } from "chai";
import { Net } from "../../lib/api/net.js";
import { Solver } from "../../lib/train/solver.js";
import { inputLayer, lowerText, refusal, runText, tensor } from "../support/net.js";

const x = inputLayer("x", 2, 3);
const relu = (bottom: string, top: string, name = "relu") =>
  `layer { name: "${name}" type: "ReLU" bottom: "${bottom}" top: "${top}" }\n`;
const inner = (name: string, top: string, rest = "") =>
  `layer { name: "${name}" type: "InnerProduct" bottom: "x" top: "${top}" ${rest} inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }\n`;

describe("force_backward", () => {
  const fixed = "param { lr_mult: 0 } param { lr_mult: 0 }";
  const net = (rest: string, propagate = "") =>
    `${rest}${x}${inner("ip", "y", fixed)}layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "x" ${propagate} top: "loss" }`;
  const given = { x: tensor([1, -2, 3, 4, 5, -6], [2, 3]) };

  /** Gradients by Caffe's formulas: d = (y - x) / n, dW = d^T x, db = sum of d. */
  async function expected(text: string) {
    await using loaded = await Net.load(text, { name: "net", phase: "TRAIN" });
    const { y } = await loaded.forward(given);
    const d = [...y!.data].map((value, i) => (value - given.x.data[i]!) / 2);
    const at = (i: number, k: number) => d[3 * i + k]!;
    const weights: number[] = [];
    for (let k = 0; k < 3; k++)
      for (let c = 0; c < 3; c++) weights.push(at(0, k) * given.x.data[c]! + at(1, k) * given.x.data[3 + c]!);
    return { weights, bias: [0, 1, 2].map((k) => at(0, k) + at(1, k)) };
  }

  const close = (actual: Float32Array | undefined, values: readonly number[]) =>
    values.forEach((value, i) => {
      expect(actual![i]).to.be.closeTo(value, 1e-4);
    });

  it("gives parameters of lr_mult 0 their gradients", async () => {
    const text = net("force_backward: true ");
    const { weights, bias } = await expected(text);
    const { parameters } = await runText(text, given, { phase: "TRAIN", seeds: {} });
    expect(Math.max(...weights.map(Math.abs))).to.be.greaterThan(1);
    close(parameters["ip/0"], weights);
    close(parameters["ip/1"], bias);
  });

  it("leaves them at 0 where it is not given", async () => {
    const { parameters } = await runText(net(""), given, { phase: "TRAIN", seeds: {} });
    expect(parameters["ip/0"]!.every((value) => value === 0)).to.equal(true);
  });

  it("goes before propagate_down: false", async () => {
    const stop = "propagate_down: false propagate_down: false";
    const text = net("force_backward: true ", stop);
    const { weights } = await expected(text);
    const { parameters } = await runText(text, given, { phase: "TRAIN", seeds: {} });
    close(parameters["ip/0"], weights);
    const stopped = await runText(net("", stop).replaceAll("lr_mult: 0", ""), given, { phase: "TRAIN", seeds: {} });
    expect(stopped.parameters["ip/0"]!.every((value) => value === 0)).to.equal(true);
  });

  it("leaves labels without one, as the loss layers do", async () => {
    const text = `force_backward: true ${x}${inputLayer("t", 2)}${inner("ip", "y")}layer { name: "r" type: "Reduction" bottom: "y" top: "m" reduction_param { axis: 1 } }
layer { name: "l" type: "SoftmaxWithLoss" bottom: "x" bottom: "m" propagate_down: true propagate_down: false top: "loss" }`;
    const labels = { "ip/0": Array<number>(9).fill(0), "ip/1": [0, 0, 0] };
    const inputs = { ...given, t: tensor([0, 0]) };
    const { parameters } = await runText(text, inputs, { phase: "TRAIN", seeds: {}, params: labels });
    expect([...parameters["ip/0"]!]).to.deep.equal(Array(9).fill(0));
  });
});

describe("loss_weight", () => {
  const loss = (type: string, rest: string) =>
    `${x}${inputLayer("t", 2)}layer { name: "l" type: "${type}" bottom: "x" bottom: "t" ${rest} }`;

  it("counts for the top of a loss layer that is not named", () => {
    const { losses } = lowerText(loss("SoftmaxWithLoss", "loss_weight: 0.5"));
    expect(losses.map(({ blob, weight }) => [blob, weight])).to.deep.equal([["l", 0.5]]);
  });

  it("counts for a top of a data layer, as of any other", async () => {
    const text = x.replace('top: "x"', 'top: "x" loss_weight: -2');
    const { gradients } = await runText(text, { x: tensor([1, 2, 3, 4, 5, 6], [2, 3]) }, { seeds: {} });
    expect([...gradients["x"]!.data]).to.deep.equal(Array(6).fill(-2));
  });

  it("is needed twice for SoftmaxWithLoss and InfogainLoss with two tops", () => {
    const note = "note: give one for each top: loss_weight: 1 loss_weight: 0";
    expect(refusal(loss("SoftmaxWithLoss", 'top: "y" top: "p"'))).to.equal(
      ['net:3:81: layer "l": 0 loss_weight for 2 tops', note].join("\n"),
    );
    expect(refusal(loss("SoftmaxWithLoss", 'top: "y" top: "p" loss_weight: 1'))).to.include("1 loss_weight for 2 tops");
    expect(refusal(loss("InfogainLoss", 'top: "y" top: "p" loss_weight: 1'))).to.include("1 loss_weight for 2 tops");
    expect(refusal(loss("SoftmaxWithLoss", "loss_weight: 1 loss_weight: 0"))).to.include("2 loss_weight for 1 top");
    lowerText(loss("SoftmaxWithLoss", 'top: "y" top: "p" loss_weight: 1 loss_weight: 0'));
  });
});

describe("a blob that is changed in place", () => {
  const note = "note: give the top a name of its own";

  it("is not several bottoms of the layer", () => {
    const text = `${x}layer { name: "e" type: "Eltwise" bottom: "x" bottom: "x" top: "x" }`;
    expect(refusal(text)).to.equal(
      ['net:2:64: layer "e": "x" cannot be changed in place: it is more than one of the bottoms', note].join("\n"),
    );
  });

  it("is not read by another layer before it is changed", () => {
    expect(refusal(x + relu("x", "y", "other") + relu("x", "x"))).to.equal(
      ['net:3:52: layer "relu": "x" cannot be changed in place: layer "other" reads it too', note].join("\n"),
    );
  });

  it("does not count in the objective", () => {
    const text = `${x}layer { name: "p" type: "Power" bottom: "x" top: "y" loss_weight: 1 }\n${relu("y", "y")}`;
    expect(refusal(text)).to.include('it counts in the objective, by the loss_weight of layer "p"');
  });

  it("may be read after the layer, and changed once more", () => {
    expect(lowerText(x + relu("x", "x", "a") + relu("x", "x", "b") + relu("x", "y", "c")).outputs).to.deep.equal(["y"]);
  });
});

describe("names", () => {
  it("belong to one layer where parameters are found by them", () => {
    expect(refusal(x + inner("ip", "a") + inner("ip", "b"))).to.equal(
      [
        'net:3:15: layer "ip": another layer above has this name too',
        "note: weights are found by the names of layers: rename one of them",
      ].join("\n"),
    );
    expect(refusal(x + relu("x", "a", "l") + inner("l", "b"))).to.match(/^net:3:15: /);
    expect(refusal(x + inner("l", "b") + relu("x", "a", "l"))).to.match(/^net:3:15: /);
  });

  it("may be the same for layers without parameters, as in Caffe's own autoencoder", () => {
    lowerText(x + relu("x", "a", "l") + relu("x", "b", "l"));
  });

  it("belong to one Filter, whose size is found by it", () => {
    const filter = (top: string) => `layer { name: "f" type: "Filter" bottom: "x" bottom: "s" top: "${top}" }\n`;
    expect(refusal(x + inputLayer("s", 2) + filter("a") + filter("b"))).to.include("another layer above has this name");
  });

  it("may be any that JavaScript and models of netrun's use too, but for inputs of reserved ones", async () => {
    for (const name of ["constructor", "toString", "objective", "sums", "0"]) {
      const text = `${x}layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 3 } }
layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "x" top: "loss" }`;
      for (const named of [text.replaceAll('"x"', `"${name}"`), text.replace('"ip"', `"${name}"`)]) {
        const inner = `base_lr: 0.1 lr_policy: "fixed" net_param { ${named} }`;
        await using solver = await Solver.load(inner, { workers: 1 });
        const input = named.includes('"x"') ? "x" : name;
        const [loss] = await solver.step(1, { [input]: tensor([1, 2, 3, 4, 5, 6], [2, 3]) });
        expect(loss).to.equal((1 + 4 + 9 + 16 + 25 + 36) / 4);
      }
    }
    expect(refusal(inputLayer("param:ip/0", 1))).to.include('an input cannot be called "param:ip/0"');
    expect(refusal(inputLayer("__proto__", 1))).to.include('an input cannot be called "__proto__"');
  });

  it("are not empty for blobs, and have no NUL", () => {
    expect(refusal(`${x}layer { name: "l" type: "ReLU" bottom: "x" top: "" }`)).to.equal(
      'net:2:49: layer "l": a top without a name',
    );
    expect(refusal(`${x}layer { name: "l" type: "ReLU" bottom: "x" top: "a\\000b" }`)).to.equal(
      `net:2:49: layer "l": a top's name has a NUL character in it`,
    );
    expect(refusal(`${x}layer { name: "l\\000" type: "ReLU" bottom: "x" top: "a" }`)).to.include(
      "its name has a NUL character in it",
    );
    expect(refusal('layer { name: "d" type: "Input" top: "" input_param { shape { dim: 1 } } }')).to.include(
      "a top without a name",
    );
  });
});

describe("a blob without values", () => {
  it("is no input", () => {
    expect(refusal(inputLayer("x", 2, 0, 3))).to.equal('net:1:38: layer "x": top "x" is [2,0,3], without values');
  });

  it("is no input of a net that is reshaped", async () => {
    await using net = await Net.load(x + relu("x", "y"), { name: "net" });
    const error = await net.forward({ x: tensor([], [0, 3]) }).catch((reason: unknown) => reason as Error);
    expect(error).to.have.property("message", 'layer "x": top "x" is [0,3], without values');
  });
});
