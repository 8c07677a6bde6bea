import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { Solver, solverOfNet } from "../../lib/index.js";
import { freshFolder } from "../support/folder.js";

const NET = `
  layer { name: "in" type: "Input" top: "a" top: "b" input_param { shape { dim: 2 dim: 1 } shape { dim: 2 dim: 1 } } }
  layer { name: "ip" type: "InnerProduct" bottom: "a" top: "ip" inner_product_param { num_output: 1 } }
  layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "b" top: "loss" }`;

/** As fields of type float hold it. */
const f = Math.fround;

describe("solverOfNet", () => {
  const folder = freshFolder();

  function netFile(): string {
    const path = join(folder(), "line.prototxt");
    writeFileSync(path, NET);
    return path;
  }

  it("has the solver type's usual settings, and those that are given in their place", () => {
    const path = netFile();
    const adam = solverOfNet(path, { type: "Adam", max_iter: 30, lr_policy: "step" });
    expect(adam).to.deep.include({ net: path, snapshot_prefix: "snapshots/line", max_iter: 30 });
    expect(adam).to.deep.include({
      base_lr: f(0.001),
      momentum: f(0.9),
      momentum2: f(0.999),
      gamma: f(0.1),
      stepsize: 10,
    });
    expect(solverOfNet(path, { base_lr: 0.5 })).to.deep.include({ type: "SGD", base_lr: 0.5, momentum: f(0.9) });
  });

  it("tests only where there is data for that", () => {
    const path = netFile();
    expect(solverOfNet(path)).to.deep.include({ test_iter: [], test_interval: 0 });
    expect(solverOfNet(path, {}, { testData: "test.csv" })).to.deep.include({ test_iter: [0], test_interval: 500 });
  });

  it("tests on the data of the training where test_iter asks for tests", () => {
    const asked = { test_iter: [3], test_interval: 20 };
    expect(solverOfNet(netFile(), asked, { data: "train.csv" })).to.deep.include(asked);
  });

  it("trains a net from rows, without a solver's prototxt", async () => {
    const rows = [1, 2, 3, 4].map((a) => ({ a: [a], b: [2 * a] }));
    await using solver = await Solver.load(solverOfNet(netFile(), { max_iter: 50, random_seed: 1, base_lr: 0.05 }), {
      data: rows,
    });
    const first = await solver.step(1);
    await solver.step(49);
    expect(first).not.to.equal(undefined);
    // b = 2 a + 0
    expect(solver.net.params.get("ip")![0]!.data[0]).to.be.closeTo(2, 0.2);
  });
});
