import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { InferenceSession } from "onnxruntime-node";
import { Net } from "../../lib/api/net.js";
import { onnxruntime } from "../../lib/onnx/onnxruntime.js";
import { updateRules } from "../../lib/optim/rules.js";
import { Solver, type SolverOptions } from "../../lib/train/solver.js";
import { cli } from "../support/cli.js";
import { failure } from "../support/failure.js";
import { freshFolder } from "../support/folder.js";
import { checkLayer } from "../support/golden-layer.js";
import { prng } from "../support/prng.js";
import { goldenCases, root } from "../support/shared.js";
import { findWebGpu } from "../support/software-gpu.js";

/** Layers whose goldens the provider does not hold, by why. */
const NOT_HELD: Readonly<Record<string, string>> = {
  conv_3d: "Only Conv2d or Conv1d are supported",
};

/** Losses on the CPU and on WebGPU differ by rounding alone, in sums of other orders. */
const TOLERANCE = 1e-3;

const WEBGPU = { provider: "webgpu" } as const;

describe("WebGPU", () => {
  const folder = freshFolder();
  /** Sessions that were asked for on the GPU, and whether a CPU was allowed. */
  const opened: ("whole" | "partly on the CPU")[] = [];

  before(async function () {
    const missing = await findWebGpu();
    if (missing !== undefined) {
      console.log(`      skipped, no WebGPU: ${missing}`);
      this.skip();
    }
    const { InferenceSession: Library } = await onnxruntime();
    const { create } = Library;
    Library.create = (async (model: Uint8Array, options: InferenceSession.SessionOptions) => {
      const session = await create.call(Library, model, options);
      const [provider] = options.executionProviders ?? [];
      const isWhole = options.extra?.["session.disable_cpu_ep_fallback"] === "1";
      if (typeof provider === "object" && provider.name === "webgpu")
        opened.push(isWhole ? "whole" : "partly on the CPU");
      return session;
    }) as typeof create;
  });

  beforeEach(() => {
    opened.length = 0;
  });

  /** Losses of a solver's training, its weights and what is left of it. */
  async function trained(from: string, iterations: number, options: SolverOptions) {
    await using solver = await Solver.load(from, { name: "solver", ...options });
    const losses: number[] = [];
    const outputs = new Map<number, object>();
    while (losses.length < iterations) {
      const run = await solver.run(Math.min(3, iterations - losses.length));
      losses.push(...run.losses);
      for (const [iteration, blobs] of run.outputs) outputs.set(iteration, blobs);
      if (run.notFinite !== undefined)
        return { losses, outputs: [...outputs.keys()], notFinite: run.notFinite, norms: [] };
    }
    const norms = [...solver.net.params.values()].flat().map(({ data, diff }) => [norm(data), norm(diff)]);
    return { losses, outputs: [...outputs.keys()], notFinite: undefined, norms };
  }

  const norm = (values: Float32Array): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));

  /** Checks that a training on WebGPU is the CPU's but for rounding, and all of it on the GPU. */
  async function expectLikeCpu(from: string, iterations: number, options: SolverOptions = {}): Promise<void> {
    const cpu = await trained(from, iterations, options);
    opened.length = 0;
    const gpu = await trained(from, iterations, { ...options, ...WEBGPU });
    expect(new Set(opened), "where sessions were").to.deep.equal(new Set(["whole"]));
    expect([gpu.losses.length, gpu.notFinite, gpu.outputs]).to.deep.equal([
      cpu.losses.length,
      cpu.notFinite,
      cpu.outputs,
    ]);
    for (const [i, loss] of gpu.losses.entries()) expect(loss).to.be.closeTo(cpu.losses[i]!, TOLERANCE);
    for (const [i, norms] of gpu.norms.entries())
      for (const [j, each] of norms.entries()) expect(each).to.be.closeTo(cpu.norms[i]![j]!, TOLERANCE * (1 + each));
  }

  describe("holds what Caffe computed, with no op on the CPU:", () => {
    for (const name of goldenCases("layers")) {
      const reason = NOT_HELD[name];
      it(reason === undefined ? name : `not ${name}: ${reason}`, async () => {
        const error = await checkLayer(name, WEBGPU).then(
          () => undefined,
          (reason: Error) => reason,
        );
        if (reason === undefined && error) throw error;
        if (reason !== undefined) expect(error?.message).to.include(reason);
        expect(opened).to.not.include("partly on the CPU");
      });
    }
  });

  it("trains LeNet as the CPU does", () =>
    expectLikeCpu(join(root, "models/lenet/solver.prototxt"), 5, { batchSize: 4 }));

  it("trains CIFAR-10 quick as the CPU does", async () => {
    const next = prng(7);
    const rows = Buffer.from(
      Array.from({ length: 20 * 3073 }, (_, i) => Math.floor(next() * (i % 3073 === 0 ? 10 : 256))),
    );
    const data = join(folder(), "data_batch_1.bin");
    writeFileSync(data, rows);
    await expectLikeCpu(join(root, "models/cifar10/solver.prototxt"), 5, { data, batchSize: 2 });
  });

  const DATA = `layer { name: "data" type: "Data" top: "data" top: "label" transform_param { scale: 0.00390625 }
    data_param { source: "netrun:digits/train" batch_size: 8 } }`;
  const solver = (layers: string, fields = ""): string =>
    `net_param { name: "net" ${DATA} ${layers} } base_lr: 0.05 lr_policy: "inv" gamma: 0.1 power: 0.7 momentum: 0.9
     weight_decay: 0.001 max_iter: 100 random_seed: 3 display: 3 ${fields}`;
  const ip = (bottom: string) =>
    `layer { name: "ip" type: "InnerProduct" bottom: "${bottom}" top: "ip" param { lr_mult: 1 } param { lr_mult: 2 decay_mult: 0 }
       inner_product_param { num_output: 10 weight_filler { type: "xavier" } } }
     layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }`;
  const wide = `layer { name: "wide" type: "InnerProduct" bottom: "data" top: "wide"
    inner_product_param { num_output: 400 weight_filler { type: "xavier" } } }`;
  const SMALL = solver(ip("data"));

  it("keeps running statistics, and draws the CPU's random numbers", () =>
    expectLikeCpu(
      solver(
        `layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 4 kernel_size: 5 stride: 3 weight_filler { type: "xavier" } } }
         layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "conv" }
         layer { name: "scale" type: "Scale" bottom: "conv" top: "conv" scale_param { bias_term: true } }
         layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
         layer { name: "drop" type: "Dropout" bottom: "conv" top: "conv" } ${ip("conv")}`,
      ),
      7,
    ));

  it("keeps recurrent state from iteration to iteration", () =>
    expectLikeCpu(
      solver(
        `layer { name: "steps" type: "Reshape" bottom: "data" top: "steps" reshape_param { shape { dim: 4 dim: 2 dim: -1 } } }
         layer { name: "cont" type: "DummyData" top: "cont" dummy_data_param { shape { dim: 4 dim: 2 } data_filler { type: "constant" value: 1 } } }
         layer { name: "lstm" type: "LSTM" bottom: "steps" bottom: "cont" top: "lstm" recurrent_param { num_output: 5 weight_filler { type: "xavier" } } }
         layer { name: "flat" type: "Reshape" bottom: "lstm" top: "flat" reshape_param { shape { dim: 8 dim: 5 } } } ${ip("flat")}`,
      ),
      5,
    ));

  it("sums the gradients of iter_size batches, and clips them", () =>
    expectLikeCpu(`${SMALL} iter_size: 3 clip_gradients: 0.5`, 5));

  it("does every update rule, with either regularization", async () => {
    for (const rule of Object.keys(updateRules)) {
      const momentum = rule === "AdaGrad" || rule === "RMSProp" ? "0" : "0.9";
      const text = `${SMALL} type: "${rule}" regularization_type: "L1"`.replace(
        "momentum: 0.9",
        `momentum: ${momentum}`,
      );
      await expectLikeCpu(text, 3);
    }
  });

  it("stops where the CPU does at a number that is not finite", () =>
    expectLikeCpu(SMALL.replace("base_lr: 0.05", "base_lr: 1e30"), 6));

  it("keeps its memory over iterations", async () => {
    await using gpu = await Solver.load(SMALL.replace(ip("data"), `${wide} ${ip("wide")}`), {
      name: "solver",
      ...WEBGPU,
    });
    await gpu.step(4);
    await gpu.step(4);
    const before = process.memoryUsage().rss;
    await gpu.step(24);
    // Weights, history and gradients of 1.3 MB each, were they not given back, would be 90 MB more.
    expect(process.memoryUsage().rss - before).to.be.below(45e6);
  });

  it("has replicas in processes: several threads end onnxruntime's", async () => {
    const options: SolverOptions = { name: "solver", ...WEBGPU, workers: 2, syncInterval: 2 };
    await failure(Solver.load(SMALL, { ...options, isolation: "thread" }), "on WebGPU replicas are processes");
    await using cpu = await Solver.load(SMALL, { ...options, provider: "cpu" });
    await using gpu = await Solver.load(SMALL, options);
    const expected = await cpu.step(4);
    for (const [i, loss] of (await gpu.step(4)).entries()) expect(loss).to.be.closeTo(expected[i]!, TOLERANCE);
    expect(gpu.startEvent().replicas).to.deep.include({ count: 2, isolation: "process" });
  });

  it("infers with weights as constants, as the CPU does", async () => {
    const path = join(root, "models/lenet/deploy.prototxt");
    await using cpu = await Net.load(path, { seed: 3 });
    await using gpu = await Net.load(path, { seed: 3, ...WEBGPU });
    const [input = ""] = cpu.inputs;
    const shape = cpu.shapes.get(input)!;
    const next = prng(3);
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, next);
    const blobs = { blobs: cpu.outputs };
    const expected = (await cpu.forward({ [input]: { shape, data } }, blobs))[cpu.outputs[0]!]!.data;
    const given = (await gpu.forward({ [input]: { shape, data } }, blobs))[cpu.outputs[0]!]!.data;
    for (const [i, value] of given.entries()) expect(value).to.be.closeTo(expected[i]!, 1e-5);
  });

  it("is compared with the CPU by netrun devices --check", async () => {
    const { status, stdout } = await cli("devices", "--check", "--json");
    const { checks } = JSON.parse(stdout);
    const webgpu = checks.find(({ device }: { device: { provider: string } }) => device.provider === "webgpu");
    expect(status).to.equal(0);
    expect(webgpu.results.map(({ name, passed }: { name: string; passed: boolean }) => [name, passed])).to.deep.equal([
      ["convolution", true],
      ["pooling ties", true],
      ["training step", true],
    ]);
  });

  it("trains from the command line, with tests and a snapshot", async () => {
    const path = join(folder(), "solver.prototxt");
    writeFileSync(path, `${SMALL} snapshot_prefix: "${join(folder(), "s")}"`.replace("max_iter: 100", "max_iter: 4"));
    const { status, stdout, stderr } = await cli("train", path, "--provider", "webgpu");
    expect([status, stderr]).to.deep.equal([0, ""]);
    expect(stdout).to.match(/^Training on WebGPU, GPU 0\n/);
    expect(stdout)
      .to.match(/Iteration 3.*, loss = /)
      .and.to.contain("s_iter_4.caffemodel");
  });
});
