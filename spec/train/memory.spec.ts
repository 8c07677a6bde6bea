import { expect } from "chai";
import { checkMemory, inUnits } from "../../lib/train/memory.js";
import { Solver, type SolverOptions } from "../../lib/train/solver.js";

const SOLVER = `base_lr: 0.1 lr_policy: "fixed" momentum: 0.9 net_param {
  layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 4 dim: 10 } } }
  layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 5 } }
  layer { name: "loss" type: "Reduction" bottom: "y" top: "loss" loss_weight: 1 }
}`;

describe("the memory that training takes", () => {
  it("is four vectors of parameters with SGD, and blobs with their gradients", async () => {
    await using solver = await Solver.load(SOLVER);
    expect(solver.memory).to.deep.equal({
      parameters: 4 * 4 * 55,
      blobs: 8 * (40 + 20 + 1),
      least: 4 * 4 * 55 + 8 * 40,
    });
  });

  it("has the states of replicas twice where they are kept, for a redo or an average", async () => {
    const floats = async (options: SolverOptions) => {
      await using solver = await Solver.load(SOLVER, options);
      return solver.memory.parameters / 4;
    };
    expect(await floats({ workers: 1 })).to.equal((4 + 2) * 55);
    expect(await floats({ workers: 1, onWorkerLoss: "drop" })).to.equal(4 * 55);
    expect(await floats({ workers: 1, onWorkerLoss: "drop", averageHistory: true })).to.equal((4 + 2) * 55);
    expect(await floats({ workers: 1, averaging: "elastic" })).to.equal((4 + 1 + 2 + 2) * 55);
  });

  it("is refused, with its parts, where it cannot fit", () => {
    const estimate = { parameters: 3 * 2 ** 30, blobs: 2 ** 30, least: 3.5 * 2 ** 30 };
    expect(() => checkMemory(estimate, 2 ** 31)).to.throw(
      "this training takes at least 3.5 GiB, and there are 2.0 GiB of memory",
    );
    expect(() => checkMemory(estimate, 2 ** 32)).to.not.throw();
    expect(inUnits(1)).to.equal("1 MiB");
  });
});
