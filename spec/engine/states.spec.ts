import { readdirSync } from "node:fs";
import { expect } from "chai";
import type { Host, RoundTask } from "../../lib/engine/hosts/host.js";
import { ProcessHost } from "../../lib/engine/hosts/process-host.js";
import { ThreadHost } from "../../lib/engine/hosts/thread-host.js";
import { PoolEngine } from "../../lib/engine/pool.js";
import { ownName } from "../../lib/owner.js";
import { memoryFolder } from "../../lib/scratch.js";
import { upTo, work } from "../contracts/engine.js";
import { freshFolder } from "../support/folder.js";
import { makePlan, startOf, writeRows } from "../support/plan.js";

const BATCH = 4;

/** Buffers of a call to a replica, and room for answers: lengths of vectors, and whether a state is to be set. */
interface Seen {
  readonly name: string;
  readonly buffers: readonly number[];
  readonly room: readonly number[];
  readonly sets: boolean;
}

/** Files and folders of states that this process has left. */
const statesLeft = () => readdirSync(memoryFolder()).filter((name) => name.startsWith(`netrun-states-${ownName()}`));

describe("replicas' states", () => {
  const folder = freshFolder();
  const kinds = {
    threads: (index: number) => new ThreadHost(index),
    processes: (index: number) => new ProcessHost(index),
  };
  for (const [name, make] of Object.entries(kinds)) {
    it(`stay with them (${name}): a round sends only weights, and a state is read where it is stored`, async () => {
      const plan = makePlan({ train: await writeRows(folder(), "rows.arrow", upTo(48)), batch: BATCH });
      const seen: Seen[] = [];
      const hosts: Host[] = [];
      /** Passes calls on, and notes what is in them. */
      const host = (index: number): Host => {
        const inner: Host = make(index);
        hosts[index] = inner;
        return {
          name: inner.name,
          get progress() {
            return inner.progress;
          },
          sharesMemory: inner.sharesMemory,
          call(call) {
            const lengths = (vectors: readonly Float32Array[]) => vectors.map(({ length }) => length);
            const { buffers, room, task } = call;
            const sets = call.name === "round" && (task as RoundTask).from !== undefined;
            seen.push({ name: call.name, buffers: lengths(buffers), room: lengths(room), sets });
            return inner.call(call);
          },
          kill: () => inner.kill(),
          [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
        };
      };
      await using calm = new PoolEngine({ workers: 2 });
      const pool = new PoolEngine({ workers: 2, host });
      try {
        await pool.open(plan);
        const weights = startOf(plan, BATCH);
        const all = weights.length;
        for (const round of upTo(3)) await pool.round(weights, work(2, 2 * round));
        const alone: Seen = { name: "round", buffers: [all], room: [], sets: false };
        expect(seen.slice(2)).to.deep.equal(Array<Seen>(6).fill(alone));

        // Nobody has the state in memory any more, and none is started to give it.
        await Promise.all(hosts.map((each) => each.kill()));
        const states = await pool.state();
        expect(seen).to.have.length(8);
        await calm.open(plan);
        const calmWeights = startOf(plan, BATCH);
        for (const round of upTo(3)) await calm.round(calmWeights, work(2, 2 * round));
        expect(states).to.deep.equal(await calm.state());

        // Their successors read it where it is kept, the next round ships weights alone again.
        await pool.round(weights, work(2, 6));
        await pool.round(weights, work(2, 8));
        const rounds = seen.slice(8).filter((call) => call.name === "round");
        expect(rounds.slice(-4)).to.deep.equal([
          ...Array<Seen>(2).fill({ ...alone, sets: true }),
          ...Array<Seen>(2).fill(alone),
        ]);

        // One that is set is sent, once.
        await pool.restore(states);
        await pool.round(calmWeights, work(2, 6));
        await pool.round(calmWeights, work(2, 8));
        const trainable = states[0]!.history[0]!.length;
        expect(seen.slice(-4)).to.deep.equal([
          ...Array<Seen>(2).fill({ ...alone, buffers: [all, trainable], sets: true }),
          ...Array<Seen>(2).fill(alone),
        ]);
        expect(calmWeights).to.deep.equal(weights);
        expect(statesLeft()).to.have.length(name === "processes" ? 2 : 0);
      } finally {
        await pool[Symbol.asyncDispose]();
      }
      expect(statesLeft()).to.deep.equal([]);
    });
  }
});
