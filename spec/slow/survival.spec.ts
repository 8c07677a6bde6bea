import { expect } from "chai";
import type { Engine } from "../../lib/engine/engine.js";
import type { Host } from "../../lib/engine/hosts/host.js";
import { ProcessHost } from "../../lib/engine/hosts/process-host.js";
import { ThreadHost } from "../../lib/engine/hosts/thread-host.js";
import { PoolEngine } from "../../lib/engine/pool.js";
import { upTo, work } from "../contracts/engine.js";
import { freshFolder } from "../support/folder.js";
import { makePlan, startOf, writeRows } from "../support/plan.js";
import { prng } from "../support/prng.js";

const ROUNDS = 15;
const KILLED = 10;

describe("training while workers are killed in 10 random rounds of 15", () => {
  const folder = freshFolder();
  const kinds = {
    thread: (index: number) => new ThreadHost(index),
    process: (index: number) => new ProcessHost(index),
  };
  for (const [name, make] of Object.entries(kinds)) {
    it(`ends with the weights and the accuracy of an undisturbed run (${name})`, async () => {
      const plan = makePlan({ train: await writeRows(folder(), "rows.arrow", upTo(48)), batch: 4 });
      const hosts: Host[] = [];
      let started = 0;
      const host = (index: number): Host => {
        started++;
        hosts[index] = make(index);
        return hosts[index];
      };
      await using calm = new PoolEngine({ workers: 2 });
      await using pool = new PoolEngine({ workers: 2, host });
      const draw = prng(5);
      const order = upTo(ROUNDS).map((round) => [draw(), round] as const);
      const unlucky = new Set(
        order
          .sort(([a], [b]) => a - b)
          .map(([, round]) => round)
          .slice(0, KILLED),
      );
      const train = async (engine: Engine, isDisturbed: boolean) => {
        await engine.open(plan);
        const weights = startOf(plan, 4);
        for (const round of upTo(ROUNDS)) {
          const running = engine.round(weights, work(4, 4 * round));
          const kills = isDisturbed && unlucky.has(round);
          if (kills) void hosts[Math.floor(draw() * 2)]!.kill();
          const { lost } = await running;
          expect(lost.map(({ remedy }) => remedy)).to.deep.equal(kills ? ["redone"] : []);
        }
        return weights;
      };
      const weights = await train(pool, true);
      expect(started).to.equal(2 + KILLED);
      expect(weights).to.deep.equal(await train(calm, false));
      const scores = await pool.test(0, weights, 12, [0]);
      expect(scores).to.deep.equal(await calm.test(0, weights, 12, [0]));
      expect(scores.outputs["accuracy"]![0]).to.be.above(0.7);
    });
  }
});
