import { readFileSync } from "node:fs";
import { expect } from "chai";
import { Solver } from "../../lib/train/solver.js";
import { train } from "../../lib/train/train.js";
import { describeShared, sharedPath } from "../support/shared.js";

interface Golden {
  readonly loss: readonly number[];
  readonly test: readonly (readonly [iteration: number, accuracy: number, loss: number])[];
}

/**
 * Distance allowed from Caffe's run: training is chaotic, and Caffe itself, with weights perturbed by 1e-6, differs from
 * itself by `noise` over the first 20 and 50 iterations.
 */
interface Bounds {
  readonly first20: number;
  readonly first50: number;
  readonly accuracy: number;
}

const cases: Readonly<Record<string, Bounds>> = {
  // Caffe against itself: 0.02 % and 1 %.
  lenet: { first20: 0.005, first50: 0.05, accuracy: 0.01 },
  // Caffe against itself: 0.2 % and 2 %.
  cifar10_quick: { first20: 0.01, first50: 0.06, accuracy: 0.04 },
};

describeShared("training for 1,000 iterations from Caffe's initial weights", () => {
  const startedIn = process.cwd();
  before(() => process.chdir(sharedPath("zoo")));
  after(() => process.chdir(startedIn));

  for (const [name, bounds] of Object.entries(cases)) {
    it(`${name} follows Caffe's losses and accuracies`, async () => {
      const golden = JSON.parse(readFileSync(sharedPath("goldens", "training", `${name}.json`), "utf8")) as Golden;
      await using solver = await Solver.load(`training/${name}_solver.prototxt`, {
        weights: sharedPath("goldens", "training", `${name}_init.caffemodel`),
      });
      // Nothing is written into the reference data.
      solver.snapshot = () => Promise.reject(new Error("not here"));
      const accuracies = new Map<number, number>();
      for await (const event of train(solver)) {
        if (event.kind === "test") accuracies.set(event.iteration, event.outputs["accuracy"]![0]!);
        if (event.kind !== "iteration" || event.iteration >= 50) continue;
        const expected = golden.loss[event.iteration]!;
        const bound = event.iteration < 20 ? bounds.first20 : bounds.first50;
        const difference = Math.abs(event.loss - expected) / expected;
        expect(difference, `loss ${event.loss} of iteration ${event.iteration}, Caffe has ${expected}`).to.be.at.most(
          bound,
        );
      }
      for (const [iteration, accuracy] of golden.test) {
        if (iteration === 0) continue;
        expect(accuracies.get(iteration), `accuracy at iteration ${iteration}`).to.be.closeTo(
          accuracy,
          bounds.accuracy,
        );
      }
    });
  }
});
