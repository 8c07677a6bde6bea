import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { openExtraction } from "../../lib/api/extract.js";
import { timeLayers } from "../../lib/api/layer-times.js";
import { Net } from "../../lib/api/net.js";
import { thisMachine } from "../../lib/onnx/find-provider.js";
import { Solver } from "../../lib/train/solver.js";
import { cli } from "../support/cli.js";
import { failure } from "../support/failure.js";
import { freshFolder } from "../support/folder.js";

const LAYERS = `
  layer { name: "in" type: "DummyData" top: "x" dummy_data_param { shape { dim: 1 dim: 2 } } }
  layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 1 } }
  layer { name: "loss" type: "Reduction" bottom: "y" top: "loss" loss_weight: 1 }`;
const solver = (mode: string) => `${mode} base_lr: 0.1 lr_policy: "fixed" max_iter: 1 net_param { ${LAYERS} }`;

/** A machine where nothing that is asked of a GPU can run, which is where these specs mostly do. */
const isBare = !thisMachine().hasCudaProvider && thisMachine().hasGpu === false;

describe("providers and GPUs on the command line and in programs", () => {
  const folder = freshFolder();

  it("end every command that runs a net if the GPU is missing, with the commands that install it", async function () {
    if (!isBare) this.skip();
    const net = join(folder(), "net.prototxt");
    writeFileSync(net, LAYERS);
    const path = join(folder(), "solver.prototxt");
    writeFileSync(path, solver(""));
    for (const command of [
      ["train", path],
      ["test", "-model", net, "-weights", "w.caffemodel"],
      ["time", "-model", net],
      ["extract", "-model", net, "-weights", "w.caffemodel", "--blobs", "y", "-o", join(folder(), "o.csv")],
      ["detect", "image.png", "-model", net, "-weights", "w.caffemodel"],
      ["classify", "image.png", "-model", net, "-weights", "w.caffemodel"],
    ]) {
      const gpu = await cli(...command, "-gpu", "0,1");
      expect([gpu.status, gpu.stdout], command[0]).to.deep.equal([1, ""]);
      expect(gpu.stderr).to.match(/^no GPU can be used here\nnote: CUDA: no NVIDIA driver is installed, /);
      expect(gpu.stderr).to.contain("netrun devices --install cuda");
      const cuda = await cli(...command, "--provider", "cuda");
      expect([cuda.status, cuda.stdout], command[0]).to.deep.equal([1, ""]);
      expect(cuda.stderr).to.match(/^CUDA cannot be used here: no NVIDIA driver is installed, /);
    }
  });

  it("end every call of the API in the same way", async function () {
    if (!isBare) this.skip();
    const message = "CUDA cannot be used here";
    const options = { provider: "cuda" } as const;
    await failure(Net.load(LAYERS, options), message);
    await failure(timeLayers(LAYERS, options), message);
    await failure(Solver.load(solver(""), options), message);
    await failure(openExtraction({ model: LAYERS, weights: [], blobs: ["y"], ...options }), message);
    await failure(Net.load(LAYERS, { devices: [0] }), "no GPU can be used here");
  });

  it("values that are no provider and no GPUs are named", async () => {
    await failure(
      Net.load(LAYERS, { provider: "gpu" as "cpu" }),
      'provider is "gpu"; it must be one of auto, cpu, cuda',
    );
    await failure(Net.load(LAYERS, { devices: [-1] }), "devices is");
    await failure(Solver.load(solver(""), { devices: "0" as "all" }), 'it must be "all" or a list of GPUs, from 0 on');
    const { stderr } = await cli("time", "-model", "n", "-gpu", "0,x");
    expect(stderr).to.equal("--gpu x: give a whole number from 0 to 63\n");
  });

  it("auto is the best that is here, and is said", async function () {
    if (!isBare) this.skip();
    const net = join(folder(), "net.prototxt");
    writeFileSync(net, LAYERS);
    const { status, stderr } = await cli("time", "-model", net, "-iterations", "1", "--provider", "auto");
    expect([status, stderr]).to.deep.equal([0, "Runs on CPU\n"]);
  });

  it("solver_mode: GPU takes the best that is here and says so; a solver without it says nothing", async function () {
    if (!isBare) this.skip();
    const path = join(folder(), "solver.prototxt");
    const firstLine = async (mode: string, ...flags: string[]) => {
      writeFileSync(path, solver(mode));
      return (await cli("train", path, ...flags)).stdout.split("\n")[0];
    };
    expect(await firstLine("solver_mode: GPU device_id: 1")).to.equal(
      "Training on CPU (solver_mode: GPU): no GPU can be used here, see netrun devices",
    );
    expect(await firstLine("solver_mode: GPU", "--provider", "cpu")).to.equal("Training on CPU");
    expect(await firstLine("solver_mode: CPU")).to.match(/^Memory: /);
    expect(await firstLine("")).to.match(/^Memory: /);
  });

  it("are in the start event, with the source of the choice", async () => {
    await using given = await Solver.load(solver(""), { provider: "cpu" });
    expect(given.startEvent().device).to.deep.equal({ provider: "cpu", chosenBy: "options" });
    await using plain = await Solver.load(solver(""));
    expect(plain.startEvent().device).to.deep.equal({ provider: "cpu" });
  });
});
