import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Net } from "../../lib/api/net.js";
import { cli } from "../support/cli.js";
import { describeShared, root, sharedPath } from "../support/shared.js";

const LENET = join(root, "models", "lenet");

/** A net that only brings its shapes: tops in the order of a data set's fields. */
const INPUTS = `
  layer { name: "in" type: "Input" top: "image" top: "digit" input_param { shape { dim: 8 dim: 1 dim: 28 dim: 28 } shape { dim: 8 } } }
  layer { name: "ip" type: "InnerProduct" bottom: "image" top: "ip" inner_product_param { num_output: 10 weight_filler { type: "xavier" } } }
  layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "digit" top: "loss" }`;

describe("data in place of what data layers read", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "netrun-data-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  it("feeds Input layers, fields in order, in the batches that they declare", async () => {
    await using net = await Net.load(INPUTS, { data: "netrun:digits/test", transform: { scale: 1 / 256 } });
    const { image, digit } = await net.forward();
    expect(image!.shape).to.deep.equal([8, 1, 28, 28]);
    expect(Math.max(...image!.data)).to.be.within(0.5, 1);
    expect([...digit!.data].every((label) => Number.isInteger(label) && label >= 0 && label < 10)).to.equal(true);
  });

  it("feeds layers of types that only other programs can read", async () => {
    const net = INPUTS.replace('"Input"', '"JavaData"').replace(/input_param .*$/m, "}");
    await using loaded = await Net.load(net, { data: "netrun:digits/test", batchSize: 3 });
    expect((await loaded.forward())["image"]!.shape).to.deep.equal([3, 1, 28, 28]);
  });

  it("trains a net without a solver, its settings from flags, and tests it on other data", async () => {
    const { status, stdout, stderr } = await cli(
      ...["train", join(LENET, "train_test.prototxt"), "--data", "netrun:digits/train", "--batch-size", "16"],
      ...["--test-data", "netrun:digits/test", "--test-batch-size", "1000", "--max-iter", "4", "--type", "Adam"],
      ...["--test-initialization=false", "--test_interval", "4", "--snapshot-prefix", join(folder, "adam")],
    );
    expect(stderr).to.equal("");
    expect(status).to.equal(0);
    expect(stdout).to.contain("Iteration 0, lr = 0.001\n");
    expect(stdout).to.contain("Iteration 4, Testing net (#0)\n");
    expect(stdout).to.contain(`${join(folder, "adam_iter_4.solverstate")}\n`);
  });

  it("flags go before a solver's fields", async () => {
    const { stdout } = await cli(
      ...["train", join(LENET, "solver.prototxt"), "--max-iter", "1", "--base-lr", "0.125"],
      ...["--no-test-initialization", "--no-snapshot-after-train"],
    );
    expect(stdout).to.contain("Iteration 0, lr = 0.125\n");
    expect(stdout).to.not.contain("Snapshotting");
  });

  it("warns that tests read the training data only where there are tests", async () => {
    const path = join(folder, "solver.prototxt");
    const net = INPUTS.replace("dim: 8 dim: 1", "dim: 1 dim: 1").replace("dim: 8", "dim: 1");
    const solver = (more: string) =>
      writeFileSync(
        path,
        `${more} net_param { ${net} } base_lr: 0.1 lr_policy: "fixed" max_iter: 1 snapshot: 0 snapshot_after_train: false`,
      );
    const trained = () => cli("train", path, "--data", "netrun:digits/train");
    solver("");
    expect((await trained()).stderr).to.equal("");
    solver("test_iter: 1 test_interval: 1");
    expect((await trained()).stderr).to.contain("tests read the training data too");
  });
});

describeShared("published weights on a data set that is not the prototxt's", () => {
  it("BVLC's LeNet scores on all of MNIST's test images what Caffe says", async () => {
    const { stdout } = await cli(
      ...["test", "-model", sharedPath("zoo", "prototxt", "bvlc", "examples+mnist+lenet_train_test.prototxt")],
      ...["-weights", sharedPath("zoo", "models", "lenet_iter_10000.caffemodel"), "-iterations", "100"],
      ...["--data", sharedPath("zoo", "mnist")],
    );
    expect(stdout).to.contain("\naccuracy = 0.990500\n");
    expect(stdout).to.contain("\nloss = 0.0291821 (* 1 = 0.0291821 loss)\n");
  });
});
