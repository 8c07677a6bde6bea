import { expect } from "chai";
import { Solver, train } from "../../lib/index.js";
import { describeShared, sharedPath } from "../support/shared.js";

/** LeNet on the first 8,000 MNIST test images: 2,000 in each of four partitions. */
const SOLVER = `
  net: "training/lenet_train_test.prototxt" test_iter: 20 test_interval: 100 test_initialization: false
  base_lr: 0.01 momentum: 0.9 weight_decay: 0.0005 lr_policy: "inv" gamma: 0.0001 power: 0.75
  max_iter: 400 snapshot: 0 snapshot_after_train: false random_seed: 5`;

describeShared("LeNet on MNIST with 4 replicas, averaged every 10 iterations", () => {
  // Paths in the net are looked up from here.
  const startedIn = process.cwd();
  before(() => process.chdir(sharedPath("zoo")));
  after(() => process.chdir(startedIn));

  it("reaches 98 % on the 2,000 held-out images", async () => {
    await using solver = await Solver.load(SOLVER, { workers: 4, syncInterval: 10 });
    let best = 0;
    for await (const event of train(solver)) {
      if (event.kind === "test") best = Math.max(best, event.outputs["accuracy"]![0]!);
      if (best >= 0.98) break;
    }
    expect(best).to.be.at.least(0.98);
  }).timeout(1_800_000);
});
