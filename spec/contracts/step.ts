import { expect } from "chai";
import { layoutOf, view } from "../../lib/net/layout.js";
import { closeNet, type OpenNet, openPlan } from "../../lib/run/open-net.js";
import type { SolverPlan } from "../../lib/run/plan.js";
import { always, type Batches, batchesOf, type Step } from "../../lib/run/step.js";
import { createWeights } from "../../lib/run/weights.js";
import { freshFolder } from "../support/folder.js";
import { makePlan, writeRows } from "../support/plan.js";

const BATCH = 4;
const ROWS = Array.from({ length: 24 }, (_, i) => i);

/** Makes a step of a net; gradients are left in the buffer. */
export type StepMaker = (train: OpenNet, solver: SolverPlan, gradients: Float32Array) => Step;

/** The behaviour of every form of a training step. */
export function stepContract(name: string, make: StepMaker): void {
  describe(`the ${name} step`, () => {
    const folder = freshFolder();

    /** A step of a fresh net at the start of its data, its state, and a way to train. */
    async function start(solver: Partial<SolverPlan> = {}) {
      const plan = makePlan({ train: await writeRows(folder(), "rows.arrow", ROWS), batch: BATCH, solver });
      const train = await openPlan(plan.train, plan.session);
      const layout = layoutOf(train.net);
      const gradients = new Float32Array(layout.length);
      const step = make(train, plan.solver, gradients);
      const state = { weights: createWeights(layout, 7).data, history: step.newHistory() };
      let iteration = 0;
      let seen = 0;
      const run = async (
        rates: readonly number[],
        { display = 0, statistics = 0, batches = batchesOf(train.feeds) } = {},
      ) => {
        const report = await step.run({ iteration, rates, display, statistics }, batches, state, () => seen++);
        iteration += report.losses.length;
        return report;
      };
      return {
        ...{ train, state, gradients, run, layout },
        progress: () => seen,
        async [Symbol.asyncDispose]() {
          await step[Symbol.asyncDispose]();
          await closeNet(train);
        },
      };
    }

    it("gives the same bits for iterations in one run and in several", async () => {
      await using together = await start();
      await using apart = await start();
      const all = await together.run([0.1, 0.2, 0.05]);
      const each = [await apart.run([0.1]), await apart.run([0.2]), await apart.run([0.05])];
      expect(together.state).to.deep.equal(apart.state);
      expect(all.losses).to.deep.equal(each.flatMap(({ losses }) => losses));
      expect(all.rows).to.equal(3 * BATCH);
      expect(together.progress()).to.be.within(1, 3);
    });

    it("takes iter_size batches an iteration, and the mean of their losses", async () => {
      await using two = await start({ iterSize: 2 });
      await using one = await start();
      const { losses, rows } = await two.run([0, 0]);
      const single = (await one.run([0, 0, 0, 0])).losses;
      expect(rows).to.equal(4 * BATCH);
      expect(losses).to.deep.equal([(single[0]! + single[1]!) / 2, (single[2]! + single[3]!) / 2]);
    });

    it("clips the L2 norm of all gradients", async () => {
      const settings = { momentum: 0, momentum2: 0.999, rms_decay: 0.99, delta: 1e-8 };
      await using step = await start({ clipGradients: 0.01, weightDecay: 0, settings });
      const before = step.state.weights.slice();
      await step.run([1]);
      expect(Math.hypot(...step.gradients)).to.be.above(0.01);
      // The update is at a rate of 1: its norm is that of the clipped gradients, in float32.
      expect(Math.hypot(...before.map((value, i) => value - step.state.weights[i]!))).to.be.closeTo(0.01, 1e-7);
    });

    it("stops before the update of an iteration that has a number that is not finite", async () => {
      await using step = await start();
      await step.run([0.1]);
      step.state.weights[0] = Number.NaN;
      const before = structuredClone(step.state);
      const { losses, notFinite } = await step.run([0.1, 0.1]);
      expect(losses).to.deep.equal([]);
      expect(notFinite).to.match(/ip1/);
      expect(step.state).to.deep.equal(before);
    });

    it("reports outputs of the iterations that are displayed", async () => {
      await using step = await start();
      const { outputs } = await step.run([0.1, 0.1, 0.1], { display: 2 });
      expect([...outputs.keys()]).to.deep.equal([0, 2]);
      expect(Object.keys(outputs.get(0)!)).to.deep.equal(["loss"]);
    });

    it("reports statistics of layers where they are asked for, and trains to the same bits", async () => {
      await using watched = await start({ iterSize: 2 });
      await using unwatched = await start({ iterSize: 2 });
      const none = await unwatched.run([0.1, 0.1, 0.1]);
      await watched.run([0.1]);
      const before = watched.state.weights.slice();
      const all = await watched.run([0.1, 0.1], { statistics: 2 });
      expect([...(none.layers ?? [])]).to.deep.equal([]);
      expect([...all.layers!.keys()]).to.deep.equal([2]);
      expect(watched.state).to.deep.equal(unwatched.state);
      // The second of the two iterations is the one that is watched; the first is done once more for its start.
      await using again = await start({ iterSize: 2 });
      await again.run([0.1, 0.1]);
      const { parameters, activations } = all.layers!.get(2)!;
      const slots = [...watched.layout.slots.values()];
      expect(parameters).to.have.length(slots.length);
      expect(before).not.to.deep.equal(again.state.weights);
      const meanAbs = (values: Float32Array) => values.reduce((sum, value) => sum + Math.abs(value), 0) / values.length;
      for (const [i, slot] of slots.entries()) {
        const [from, to] = [view(again.state.weights, slot), view(watched.state.weights, slot)];
        const { values, updates, gradients, ratio } = parameters[i]!;
        expect(values.meanAbs).to.be.closeTo(meanAbs(from), 1e-6);
        const change = meanAbs(to.map((value, j) => value - from[j]!));
        expect(updates.meanAbs).to.be.closeTo(change, 1e-7);
        expect(gradients.meanAbs).to.be.closeTo(meanAbs(view(watched.gradients, slot)) / 2, 1e-6);
        if (change > 0) expect(ratio).to.be.closeTo(Math.log10(change / meanAbs(from)), 1e-3);
        expect(values.counts.reduce((sum, count) => sum + count)).to.equal(slot.length);
      }
      expect(activations.map(({ blob }) => blob)).to.deep.equal([...watched.train.net.blobs.keys()]);
    });

    it("takes batches of other numbers of rows", async () => {
      await using together = await start();
      await using apart = await start();
      /** Whole batches, and every second one cut to a half. */
      const halves = (from: Batches): Batches => {
        let count = 0;
        return {
          async next() {
            const batch = await from.next();
            const rows = count++ % 2 === 0 ? BATCH : BATCH / 2;
            return Object.fromEntries(
              Object.entries(batch).map(
                ([
                  name,
                  {
                    shape: [, ...row],
                    data,
                  },
                ]) => {
                  const part = data.subarray(0, (data.length / BATCH) * rows);
                  return [name, { shape: [rows, ...row], data: part }];
                },
              ),
            );
          },
          recycle: () => {},
        };
      };
      const all = await together.run([0.1, 0.2, 0.05], { batches: halves(batchesOf(together.train.feeds)) });
      const batches = halves(batchesOf(apart.train.feeds));
      const each: number[] = [];
      for (const rate of [0.1, 0.2, 0.05]) each.push(...(await apart.run([rate], { batches })).losses);
      expect(all.rows).to.equal(2.5 * BATCH);
      expect(all.losses).to.deep.equal(each);
      expect(together.state).to.deep.equal(apart.state);
    });

    it("hands each batch of its own back, and never one that is given", async () => {
      await using step = await start();
      const batches = batchesOf(step.train.feeds);
      const given = await batches.next();
      const copy = structuredClone(given);
      await step.run([0.1, 0.1], { batches: always(given) });
      expect(given).to.deep.equal(copy);
      const out = new Set<unknown>();
      const counted: Batches = {
        async next() {
          const batch = await batches.next();
          out.add(batch);
          return batch;
        },
        recycle(batch, results) {
          expect(out.delete(batch)).to.equal(true);
          batches.recycle(batch, results);
        },
      };
      await step.run([0.1, 0.1], { batches: counted });
      expect(out.size).to.equal(0);
    });
  });
}
