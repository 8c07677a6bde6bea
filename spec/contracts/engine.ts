import { expect } from "chai";
import type { Engine, Work } from "../../lib/engine/engine.js";
import type { TrainingPlan } from "../../lib/run/plan.js";
import { freshFolder } from "../support/folder.js";
import { makePlan, startOf, writeRows } from "../support/plan.js";

const BATCH = 4;
const DROPOUT = 'layer { name: "drop" type: "Dropout" bottom: "hidden" top: "hidden" }';

/** A round of n iterations, after some others. */
export const work = (n: number, iteration = 0, rate = 0.1): Work => ({
  iteration,
  rates: Array<number>(n).fill(rate),
  display: 0,
});

/** Numbers from 0 to n - 1. */
export const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Contract of every engine. */
export function engineContract(name: string, make: () => Engine): void {
  describe(`the ${name} engine`, () => {
    const folder = freshFolder();

    // One for all tests: loading a plan starts afresh, while starting threads and processes takes long.
    let engine: Engine;
    before(() => {
      engine = make();
    });
    after(() => engine[Symbol.asyncDispose]());

    async function withEngine<T>(
      plan: TrainingPlan,
      use: (engine: Engine, start: Float32Array) => Promise<T>,
    ): Promise<T> {
      await engine.open(plan);
      return use(engine, startOf(plan, BATCH, DROPOUT));
    }

    const plan = async (rows = 48): Promise<TrainingPlan> =>
      makePlan({ train: await writeRows(folder(), "rows.arrow", upTo(rows)), batch: BATCH, extra: DROPOUT });

    it("tells what each replica reads", async () => {
      const partitions = await engine.open(await plan());
      expect(partitions.map(({ replica }) => replica)).to.deep.equal(upTo(engine.replicas));
      expect(partitions.reduce((sum, { rows }) => sum + rows, 0)).to.equal(48);
    });

    it("counts iterations, rows and positions", async () => {
      await withEngine(await plan(), async (engine, start) => {
        const round = await engine.round(start, work(3));
        expect(round.iteration).to.equal(3);
        expect(round.losses).to.have.length(3);
        expect(round.rows).to.equal(3 * BATCH * engine.replicas);
        expect((await engine.state()).map(({ positions }) => positions)).to.deep.equal(
          upTo(engine.replicas).map(() => [3 * BATCH]),
        );
        expect(round.lost).to.deep.equal([]);
      });
    });

    it("learns: the loss falls, test accuracy rises", async () => {
      await withEngine(await plan(), async (engine, start) => {
        const before = await engine.test(0, start, 12);
        await engine.round(start, work(100));
        const after = await engine.test(0, start, 12, [0]);
        expect(after.loss).to.be.below(before.loss / 2);
        expect(after.outputs["accuracy"]![0]).to.be.above(0.8);
      });
    });

    it("gives the same bits for the same seed", async () => {
      const same = await plan();
      const run = () =>
        withEngine(same, async (engine, start) => {
          await engine.round(start, work(5));
          await engine.round(start, work(5, 5));
          return start;
        });
      expect(await run()).to.deep.equal(await run());
    });

    it("goes on from weights and states as if it had not stopped", async () => {
      const same = await plan();
      const whole = await withEngine(same, async (engine, weights) => {
        await engine.round(weights, work(4));
        await engine.round(weights, work(4, 4));
        return weights;
      });
      const half = await withEngine(same, async (engine, weights) => {
        await engine.round(weights, work(4));
        return { weights, states: await engine.state() };
      });
      const rest = await withEngine(same, async (engine) => {
        await engine.restore(half.states);
        await engine.round(half.weights, work(4, 4));
        return half.weights;
      });
      expect(rest).to.deep.equal(whole);
    });

    it("starts with a history of zeros, and gives copies of its states", async () => {
      await withEngine(await plan(), async (engine, weights) => {
        const start = await engine.state();
        expect(start.map(({ history, positions }) => [history.length, positions])).to.deep.equal(
          upTo(engine.replicas).map(() => [1, [0]]),
        );
        for (const { history } of start) expect(history[0]!.every((value) => value === 0)).to.equal(true);
        await engine.round(weights, work(2));
        const two = await engine.state();
        const kept = structuredClone(two);
        await engine.round(weights, work(2, 2));
        expect(two).to.deep.equal(kept);
        expect(await engine.state()).to.not.deep.equal(kept);
        await engine.restore(two);
        expect(await engine.state()).to.deep.equal(kept);
        expect(two).to.deep.equal(kept);
        expect(start[0]!.history[0]!.some((value) => value !== 0)).to.equal(false);
      });
    });

    it("does the same round from the same states, any number of times", async () => {
      await withEngine(await plan(), async (engine, weights) => {
        await engine.round(weights, work(3));
        const states = await engine.state();
        const ends: Float32Array[] = [];
        for (let i = 0; i < 2; i++) {
          const own = weights.slice();
          await engine.restore(states);
          await engine.round(own, work(3, 3));
          ends.push(own);
        }
        expect(ends[1]).to.deep.equal(ends[0]);
        expect(ends[0]).to.not.deep.equal(weights);
      });
    });

    it("reports the train net's outputs where they are to be displayed", async () => {
      await withEngine(await plan(), async (engine, start) => {
        const { outputs, losses } = await engine.round(start, { ...work(5), display: 3 });
        expect([...outputs.keys()]).to.deep.equal([0, 3]);
        expect(outputs.get(3)!["loss"]![0]).to.be.closeTo(losses[3]!, 1e-6);
      });
    });

    it("tests on the batches from a position on, whatever came before", async () => {
      await withEngine(await plan(), async (engine, start) => {
        const first = await engine.test(0, start, 5, [0]);
        expect(first.positions).to.deep.equal([5 * BATCH]);
        await engine.test(0, start, 3, [8]);
        const again = await engine.test(0, start, 5, [0]);
        expect(again).to.deep.equal(first);
      });
    });

    it("refuses data that is not there", async () => {
      const there = await plan();
      const [feed] = there.train.feeds;
      const source = { kind: "arrow", path: `${folder()}/missing.arrow` } as const;
      const broken = { ...there, train: { ...there.train, feeds: [{ ...feed!, source } as typeof feed & object] } };
      let message = "";
      await engine.open(broken as TrainingPlan).catch((error: Error) => {
        message = `${error.name} ${(error as Error & { file?: string }).file}`;
      });
      expect(message).to.equal(`NetrunError ${folder()}/missing.arrow`);
    });
  });
}
