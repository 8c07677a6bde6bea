import { expect } from "chai";
import { Net, type NetrunError, Solver, type Tensor } from "../../lib/index.js";

const filled = (...shape: readonly number[]): Tensor => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i)),
});

const CONV = `
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 2 kernel_size: 3 weight_filler { type: "xavier" } } }`;
const IP = `
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "score"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }`;

const refused = (promise: Promise<unknown>): Promise<NetrunError> =>
  promise.then(
    () => {
      throw new Error("nothing was refused");
    },
    (error: NetrunError) => error,
  );

describe("inputs of other shapes than a net was made for", () => {
  for (const [what, size] of [
    ["smaller", 6],
    ["larger", 12],
  ] as const) {
    it(`are refused where a parameter would need another shape, with both shapes and its layer (${what} images)`, async () => {
      await using net = await Net.load(CONV + IP, { name: "net.prototxt" });
      const before = await net.forward({ data: filled(1, 3, 8, 8) });
      const error = await refused(net.forward({ data: filled(1, 3, size, size) }));
      const floats = 2 * (size - 2) ** 2;
      expect(error.message).to.equal(`layer "ip": its parameter 0 is [4,72], but these inputs require [4,${floats}]`);
      expect(error.format()).to.match(/^net\.prototxt:5:1: layer "ip"/);
      expect(error.notes[0]).to.equal(`the inputs: "data" [1,3,${size},${size}]`);
      expect(net.shapes.get("score")).to.deep.equal([1, 4]);
      expect(await net.forward({ data: filled(1, 3, 8, 8) })).to.deep.equal(before);
    });
  }

  it("are refused where they are no tensors", async () => {
    await using net = await Net.load(CONV);
    const data = new Float32Array(192);
    for (const [tensor, message] of [
      ["x", "its data is no Float32Array"],
      [{ shape: [1, 3, 8, 8], data: new Float64Array(192) }, "its data is no Float32Array"],
      [{ data }, "its shape is missing, not a list of whole numbers"],
      [{ shape: [1, 3, 8.5, 8], data: new Float32Array(204) }, "its shape is [1,3,8.5,8], not a list of whole numbers"],
      [{ shape: [-1, -3, 8, 8], data }, "its shape is [-1,-3,8,8], not a list of whole numbers"],
    ] as const) {
      const error = await refused(net.forward({ data: tensor as Tensor }));
      expect(error.name).to.equal("NetrunError");
      expect(error.message).to.equal(`input "data": ${message}`);
    }
  });

  it("have gradients that are refused where they are no tensors", async () => {
    await using net = await Net.load(CONV);
    await net.forward({ data: filled(1, 3, 8, 8) });
    for (const [tensor, message] of [
      [null, "its data is no Float32Array"],
      [{ shape: [1, 2, 6, 6], data: new Array(72).fill(0) }, "its data is no Float32Array"],
      [{ data: new Float32Array(72) }, "its shape is missing, not a list of whole numbers"],
    ] as const) {
      const error = await refused(net.backward({ conv: tensor as unknown as Tensor }));
      expect([error.name, error.message]).to.deep.equal(["NetrunError", `the gradient of "conv": ${message}`]);
    }
  });

  it("and options are refused if they are not objects", async () => {
    await using net = await Net.load(CONV);
    const data = filled(1, 3, 8, 8);
    for (const [call, message] of [
      [() => net.forward(null as never), "the inputs are null, where tensors by blob name are expected"],
      [() => net.forward({ data }, null as never), "options are null, no object"],
      [() => net.forward({ data }, { blobs: "conv" as never }), 'blobs is "conv"; it must be a list of texts'],
      [() => Net.load(null as never), "a net is a path, a text or a message, not null"],
      [() => Solver.load(3 as never), "a solver is a path, a text or a message, not 3"],
    ] as const) {
      const error = await refused(call());
      expect([error.name, error.message]).to.deep.equal(["NetrunError", message]);
    }
  });

  it("are refused where a convolution would need another number of channels", async () => {
    await using net = await Net.load(CONV);
    const error = await refused(net.forward({ data: filled(1, 1, 8, 8) }));
    expect(error.message).to.equal('layer "conv": its parameter 0 is [2,3,3,3], but these inputs require [2,1,3,3]');
  });

  it("reshape a net whose parameters stay as they are: other batch sizes, and sizes of a fully convolutional net", async () => {
    await using whole = await Net.load(CONV + IP);
    const one = await whole.forward({ data: filled(1, 3, 8, 8) });
    const { score } = await whole.forward({ data: filled(2, 3, 8, 8) });
    expect(score!.shape).to.deep.equal([2, 4]);
    // Products of one row and of two round differently.
    for (const [i, value] of one["score"]!.data.entries()) expect(score!.data[i]).to.be.closeTo(value, 1e-6);
    await using net = await Net.load(CONV);
    expect((await net.forward({ data: filled(1, 3, 11, 9) }))["conv"]!.shape).to.deep.equal([1, 2, 9, 7]);
  });

  const SOLVER = `base_lr: 0.1 lr_policy: "fixed" random_seed: 1 net_param { ${CONV} ${IP}
    layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 1 } } }
    layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" } }`;
  const label = { shape: [1], data: Float32Array.of(2) };

  it("are refused by step, which changes nothing then", async () => {
    await using solver = await Solver.load(SOLVER);
    const before = solver.net.params.get("ip")![0]!.data.slice();
    const error = await refused(solver.step(1, { data: filled(1, 3, 6, 6), label }));
    expect(error.message).to.include('layer "ip": its parameter 0 is [4,72]');
    expect(solver.net.params.get("ip")![0]!.data).to.deep.equal(before);
    expect(solver.iteration).to.equal(0);
    expect(await solver.step(1, { data: filled(1, 3, 8, 8), label })).to.have.length(1);
  });

  it("are refused by step on a replica too", async () => {
    await using solver = await Solver.load(SOLVER, { workers: 1 });
    const error = await refused(solver.step(1, { data: filled(1, 3, 6, 6), label }));
    expect(error.message).to.include('layer "ip": its parameter 0 is [4,72]');
  });

  it("are refused by step where values do not fill a shape, an input is missing or misnamed", async () => {
    await using solver = await Solver.load(SOLVER);
    const data = filled(1, 3, 8, 8);
    const short = { shape: [2, 3, 8, 8], data: data.data };
    expect((await refused(solver.step(1, { data: short, label }))).message).to.include("which do not fill its shape");
    expect((await refused(solver.step(1, { data }))).message).to.equal('input "label" [1] is missing');
    const misnamed = await refused(solver.step(1, { data, label, dat: data }));
    expect([misnamed.message, misnamed.notes[0]]).to.deep.equal(['the net has no input "dat"', 'did you mean "data"?']);
  });

  it("are refused by a test net whose parameters are of another shape than the train net's, though of one length", async () => {
    const layer = (phase: string, shape: string, stride: string) =>
      `layer { name: "in" type: "DummyData" top: "x" include { phase: ${phase} } dummy_data_param { shape { ${shape} } } }
       layer { name: "c" type: "Convolution" bottom: "x" top: "y" include { phase: ${phase} }
         convolution_param { num_output: 2 ${stride} } }`;
    const net = `${layer("TRAIN", "dim: 1 dim: 2 dim: 4 dim: 4", "kernel_h: 1 kernel_w: 2")}
      ${layer("TEST", "dim: 1 dim: 2 dim: 4 dim: 4", "kernel_h: 2 kernel_w: 1")}
      layer { name: "loss" type: "Reduction" bottom: "y" top: "loss" loss_weight: 1 }`;
    const solver = `base_lr: 0.1 lr_policy: "fixed" test_iter: 1 test_interval: 1 net_param { ${net} }`;
    await using loaded = await Solver.load(solver);
    const error = await refused(loaded.test());
    expect(error.message).to.equal("parameter c/0 is [2,2,1,2] in the train net and [2,2,2,1] in the test net");
  });
});
