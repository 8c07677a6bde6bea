import { expect } from "chai";
import type { Engine, Round, Work } from "../../lib/engine/engine.js";
import { LocalEngine } from "../../lib/engine/local.js";
import { PoolEngine } from "../../lib/engine/pool.js";
import type { TrainingPlan } from "../../lib/run/plan.js";
import { upTo, work } from "../contracts/engine.js";
import { freshFolder } from "../support/folder.js";
import { makePlan, type PlanParts, startOf, writeRows } from "../support/plan.js";

const LAYERS = {
  plain: "",
  dropout: 'layer { name: "drop" type: "Dropout" bottom: "hidden" top: "hidden" }',
  norm: 'layer { name: "norm" type: "BatchNorm" bottom: "hidden" top: "hidden" batch_norm_param { moving_average_fraction: 0.9 } }',
};

interface Ran {
  readonly weights: Float32Array;
  readonly last: Round;
}

/** Trains for some rounds from the start. */
async function run(
  engine: Engine,
  plan: TrainingPlan,
  batch: number,
  extra: string,
  rounds: readonly Work[],
): Promise<Ran> {
  await engine.open(plan);
  const weights = startOf(plan, batch, extra);
  let last: Round | undefined;
  for (const each of rounds) last = await engine.round(weights, each);
  return { weights, last: last! };
}

const rounds = (count: number, interval: number) => upTo(count).map((i) => work(interval, i * interval));

describe("replicas in a pool", () => {
  const folder = freshFolder();
  // Shared by the tests that need no other: starting threads takes longer than the tests.
  const one = new PoolEngine({ workers: 1 });
  const two = new PoolEngine({ workers: 2 });
  after(async () => {
    for (const pool of [one, two]) await pool[Symbol.asyncDispose]();
  });
  const plan = async (numbers: readonly number[], parts: Omit<PlanParts, "train">, name = "rows.arrow") =>
    makePlan({ ...parts, train: await writeRows(folder(), name, numbers) });

  for (const [name, extra] of Object.entries(LAYERS)) {
    it(`one equals plain training bit by bit (${name} net)`, async () => {
      const same = await plan(upTo(48), { batch: 4, extra });
      await using local = new LocalEngine();
      const alone = await run(one, same, 4, extra, rounds(4, 5));
      expect(alone.weights).to.deep.equal((await run(local, same, 4, extra, rounds(20, 1))).weights);
    });
  }

  for (const workers of [2, 4]) {
    it(`${workers} of an interval of 1 equal one on the whole batch, to rounding, with SGD without momentum`, async () => {
      const batch = 8;
      const settings = { momentum: 0, momentum2: 0.999, rms_decay: 0.99, delta: 1e-8 };
      // 45 rows: batches go over the end of the data.
      const same = await plan(upTo(45), { batch, solver: { settings } });
      await using local = new LocalEngine();
      await using pool = new PoolEngine({ workers, batchScaling: "strong" });
      const whole = await run(local, same, batch, "", rounds(30, 1));
      const halves = await run(pool, same, batch, "", rounds(30, 1));
      // 30 updates, each with a rounding of 2^-24 of values near 1.
      for (const [i, value] of whole.weights.entries()) expect(halves.weights[i]).to.be.closeTo(value, 2e-6);
      expect(whole.weights).to.not.deep.equal(startOf(same, batch));
    });
  }

  it("give the same bits in every run, in threads and in processes", async () => {
    const same = await plan(upTo(60), { batch: 4, extra: LAYERS.dropout });
    const seen: Float32Array[] = [];
    await using processes = new PoolEngine({ workers: 2, isolation: "process" });
    for (const pool of [two, processes, two]) {
      seen.push((await run(pool, same, 4, LAYERS.dropout, rounds(3, 4))).weights);
    }
    expect(seen[1]).to.deep.equal(seen[0]);
    expect(seen[2]).to.deep.equal(seen[0]);
  });

  it("draw other random numbers in each replica", async () => {
    // Both partitions have the same rows: without dropout the replicas are equal, with it they are not.
    const rows = [...upTo(12), ...upTo(12)];
    for (const [extra, isEqual] of [
      [LAYERS.plain, true],
      [LAYERS.dropout, false],
    ] as const) {
      const same = await plan(rows, { batch: 4, extra });
      const alone = await run(one, same, 4, extra, rounds(1, 3));
      const both = await run(two, same, 4, extra, rounds(1, 3));
      if (isEqual) expect(both.weights).to.deep.equal(alone.weights);
      else expect(both.weights).to.not.deep.equal(alone.weights);
    }
  });

  it("average BatchNorm's statistics, so that the sums stay those of one replica's number of batches", async () => {
    const same = await plan(upTo(48), { batch: 4, extra: LAYERS.norm });
    const { weights } = await run(two, same, 4, LAYERS.norm, rounds(1, 3));
    // The weight sum, the last parameter, after 3 forwards: 1 + 0.9 * (1 + 0.9 * 1).
    expect(weights.at(-1)).to.be.closeTo(2.71, 1e-6);
  });

  it("keep their history local, or average it on request", async () => {
    const same = await plan(upTo(48), { batch: 4 });
    for (const averageHistory of [false, true]) {
      await using pool = new PoolEngine({ workers: 2, averageHistory });
      await run(pool, same, 4, "", rounds(2, 3));
      const [first, second] = (await pool.state()).map(({ history }) => history[0]!);
      if (averageHistory) expect(first).to.deep.equal(second);
      else expect(first).to.not.deep.equal(second);
    }
  });

  it("differ in their weights under elastic averaging, and the centre learns", async () => {
    const same = await plan(upTo(60), { batch: 4 });
    await using pool = new PoolEngine({ workers: 2, averaging: "elastic" });
    const { weights } = await run(pool, same, 4, "", rounds(30, 5));
    const [first, second] = (await pool.state()).map((replica) => replica.weights!);
    expect(first).to.not.deep.equal(second);
    const { outputs } = await pool.test(0, weights, 15, [0]);
    expect(outputs["accuracy"]![0]).to.be.above(0.8);
  });

  it("report the parts of a round's time", async () => {
    const same = await plan(upTo(48), { batch: 4 });
    const { roundTimes } = (await run(two, same, 4, "", rounds(2, 5))).last;
    const { sendMs, computeMs, waitMs, averageMs, totalMs } = roundTimes!;
    for (const ms of [sendMs, computeMs, waitMs, averageMs]) expect(ms).to.be.at.least(0);
    expect(sendMs + computeMs + waitMs + averageMs).to.be.closeTo(totalMs, 1e-6);
  });

  it("report the rows and times of each replica", async () => {
    const same = await plan(upTo(48), { batch: 4 });
    const { shares, rows, roundTimes, losses } = (await run(two, same, 4, "", rounds(2, 5))).last;
    expect(shares!.map(({ replica }) => replica)).to.deep.equal([0, 1]);
    expect(shares!.reduce((sum, share) => sum + share.rows, 0)).to.equal(rows);
    const mean = (values: readonly number[]) => values.reduce((sum, each) => sum + each, 0) / values.length;
    expect(mean(shares!.map(({ loss }) => loss))).to.be.closeTo(mean(losses), 1e-6);
    const [first, second] = shares!.map(({ computeMs, waitMs }) => computeMs + waitMs);
    expect(first).to.be.closeTo(second!, 1e-6);
    expect(first! + roundTimes!.sendMs + roundTimes!.averageMs).to.be.closeTo(roundTimes!.totalMs, 1e-6);
  });

  it("refuse a batch that cannot be divided", async () => {
    await using pool = new PoolEngine({ workers: 3, batchScaling: "strong" });
    let message = "";
    await pool.open(await plan(upTo(48), { batch: 4 })).catch((error: Error) => {
      ({ message } = error);
    });
    expect(message).to.equal("a batch of 4 cannot be divided among 3 workers");
  });

  it("refuse a partition that has less than a batch", async () => {
    let message = "";
    await two.open(await plan(upTo(7), { batch: 4 })).catch((error: Error) => {
      ({ message } = error);
    });
    expect(message).to.equal("part 0 of 2 has 3 records, fewer than one batch of 4");
  });
});
