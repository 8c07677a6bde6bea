import { expect } from "chai";
import type { Checkpoint, Engine, Work } from "../../lib/engine/engine.js";
import type { Plan } from "../../lib/run/plan.js";
import { freshFolder } from "../support/folder.js";
import { makePlan, startOf, writeRows } from "../support/plan.js";

const BATCH = 4;
const DROPOUT = 'layer { name: "drop" type: "Dropout" bottom: "hidden" top: "hidden" }';

/** Learning rates of n iterations. */
export const work = (n: number, rate = 0.1): Work => ({ rates: Array<number>(n).fill(rate), display: 0 });

/** Numbers from 0 to n - 1. */
export const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** What every engine has to do. */
export function engineContract(name: string, make: () => Engine): void {
  describe(`the ${name} engine`, () => {
    const folder = freshFolder();

    // One for all tests: loading a plan starts afresh, while starting threads and processes takes long.
    let engine: Engine;
    before(() => {
      engine = make();
    });
    after(() => engine[Symbol.asyncDispose]());

    async function withEngine<T>(plan: Plan, use: (engine: Engine, start: Checkpoint) => Promise<T>): Promise<T> {
      await engine.load(plan);
      return use(engine, startOf(plan, BATCH, engine.replicas, DROPOUT));
    }

    const plan = async (rows = 48): Promise<Plan> =>
      makePlan({ train: await writeRows(folder(), "rows.arrow", upTo(rows)), batch: BATCH, extra: DROPOUT });

    it("tells what each replica reads", async () => {
      const partitions = await engine.load(await plan());
      expect(partitions.map(({ replica }) => replica)).to.deep.equal(upTo(engine.replicas));
      expect(partitions.reduce((sum, { rows }) => sum + rows, 0)).to.equal(48);
    });

    it("counts iterations, rows and positions", async () => {
      await withEngine(await plan(), async (engine, start) => {
        const round = await engine.train(start, work(3));
        expect(round.checkpoint.iteration).to.equal(3);
        expect(round.losses).to.have.length(3);
        expect(round.rows).to.equal(3 * BATCH * engine.replicas);
        expect(round.checkpoint.replicas.map(({ positions }) => positions)).to.deep.equal(
          upTo(engine.replicas).map(() => [3 * BATCH]),
        );
        expect(round.lost).to.deep.equal([]);
      });
    });

    it("learns: the loss falls, test accuracy rises", async () => {
      await withEngine(await plan(), async (engine, start) => {
        const before = await engine.test(0, start.weights, 12);
        const { checkpoint } = await engine.train(start, work(100));
        const after = await engine.test(0, checkpoint.weights, 12, [0]);
        expect(after.loss).to.be.below(before.loss / 2);
        expect(after.outputs["accuracy"]![0]).to.be.above(0.8);
      });
    });

    it("gives the same bits for the same seed", async () => {
      const same = await plan();
      const run = () =>
        withEngine(same, async (engine, start) => {
          const { checkpoint } = await engine.train(start, work(5));
          return (await engine.train(checkpoint, work(5))).checkpoint.weights.slice();
        });
      expect(await run()).to.deep.equal(await run());
    });

    it("goes on from a checkpoint as if it had not stopped", async () => {
      const same = await plan();
      const whole = await withEngine(same, async (engine, start) => {
        const { checkpoint } = await engine.train(start, work(4));
        return (await engine.train(checkpoint, work(4))).checkpoint.weights.slice();
      });
      const half = await withEngine(same, async (engine, start) => (await engine.train(start, work(4))).checkpoint);
      const rest = await withEngine(same, async (engine) => (await engine.train(half, work(4))).checkpoint.weights);
      expect(rest).to.deep.equal(whole);
    });

    it("reports the train net's outputs where they are to be displayed", async () => {
      await withEngine(await plan(), async (engine, start) => {
        const { outputs, losses } = await engine.train(start, { ...work(5), display: 3 });
        expect([...outputs.keys()]).to.deep.equal([0, 3]);
        expect(outputs.get(3)!["loss"]![0]).to.be.closeTo(losses[3]!, 1e-6);
      });
    });

    it("tests on the batches from a position on, whatever came before", async () => {
      await withEngine(await plan(), async (engine, start) => {
        const first = await engine.test(0, start.weights, 5, [0]);
        expect(first.positions).to.deep.equal([5 * BATCH]);
        await engine.test(0, start.weights, 3, [8]);
        const again = await engine.test(0, start.weights, 5, [0]);
        expect(again).to.deep.equal(first);
      });
    });

    it("refuses data that is not there", async () => {
      const there = await plan();
      const [feed] = there.train.feeds;
      const source = { kind: "arrow", path: `${folder()}/missing.arrow` } as const;
      const broken = { ...there, train: { ...there.train, feeds: [{ ...feed!, source } as typeof feed & object] } };
      let message = "";
      await engine.load(broken as Plan).catch((error: Error) => {
        message = `${error.name} ${(error as Error & { file?: string }).file}`;
      });
      expect(message).to.equal(`NetrunError ${folder()}/missing.arrow`);
    });
  });
}
