import { expect } from "chai";
import type { ForwardEngine } from "../../lib/engine/engine.js";
import { ForwardPool, LocalForward } from "../../lib/engine/forward.js";
import type { Host } from "../../lib/engine/hosts/host.js";
import { ProcessHost } from "../../lib/engine/hosts/process-host.js";
import { ThreadHost } from "../../lib/engine/hosts/thread-host.js";
import type { ForwardPlan } from "../../lib/run/plan.js";
import { upTo } from "../contracts/engine.js";
import { freshFolder } from "../support/folder.js";
import { makePlan, startOf, writeRows } from "../support/plan.js";

const BATCH = 4;

describe("forward passes", () => {
  const folder = freshFolder();

  /** A plan of "hidden" and "score" over some rows, and parameters for it. */
  async function parts(rows = 22): Promise<{ readonly plan: ForwardPlan; readonly weights: Float32Array }> {
    const train = makePlan({ train: await writeRows(folder(), "rows.arrow", upTo(rows)), batch: BATCH });
    const plan = { net: train.tests[0]!, blobs: ["hidden", "score"], seed: 7, session: { threads: 1 }, plugins: [] };
    return { plan, weights: startOf(train, BATCH) };
  }

  async function collect(engine: ForwardEngine, plan: ForwardPlan, weights: Float32Array, batches: number) {
    await engine.open(plan, weights);
    const all: (readonly Float32Array[])[] = [];
    for await (const values of engine.run(batches)) all.push(values.map((each) => each.slice()));
    return all;
  }

  const engines = {
    "one thread": () => new ForwardPool(1),
    "two threads": () => new ForwardPool(2),
    "five threads": () => new ForwardPool(5),
    "two processes": () => new ForwardPool(2, { isolation: "process" }),
  };
  for (const [name, make] of Object.entries(engines)) {
    // 20 batches of 4 go round the 22 rows more than three times, and after six of one replica its feed changes to a thread.
    it(`give in ${name} the bits of this thread, batch by batch`, async () => {
      const { plan, weights } = await parts();
      await using here = new LocalForward();
      const expected = await collect(here, plan, weights, 20);
      await using engine = make();
      const all = await collect(engine, plan, weights, 20);
      expect(expected).to.have.length(20);
      expect(expected[1]).to.not.deep.equal(expected[0]);
      expect(all).to.deep.equal(expected);
    });
  }

  for (const [name, make] of Object.entries({
    thread: (index: number) => new ThreadHost(index),
    process: (index: number) => new ProcessHost(index),
  })) {
    it(`do a batch again when its ${name} is ended`, async () => {
      const { plan, weights } = await parts();
      await using here = new LocalForward();
      const expected = await collect(here, plan, weights, 12);
      const hosts: Host[] = [];
      const host = (index: number): Host => {
        hosts[index] = make(index);
        return hosts[index];
      };
      await using engine = new ForwardPool(2, { host });
      await engine.open(plan, weights);
      const all: (readonly Float32Array[])[] = [];
      for await (const values of engine.run(12)) {
        all.push(values.map((each) => each.slice()));
        if (all.length === 3) void hosts[1]!.kill();
      }
      expect(all).to.deep.equal(expected);
    });
  }

  it("end no thread inside onnxruntime, which would end this process", async () => {
    const { plan, weights } = await parts();
    for (let i = 0; i < 10; i++) {
      const engine = new ForwardPool(2);
      await engine.open(plan, weights);
      for await (const _ of engine.run(100)) break;
      await engine[Symbol.asyncDispose]();
    }
  });

  it("leave nothing running when the loop is left", async () => {
    const { plan, weights } = await parts();
    let started = 0;
    const host = (index: number): Host => {
      started++;
      return new ThreadHost(index);
    };
    {
      await using engine = new ForwardPool(2, { host });
      await engine.open(plan, weights);
      for await (const _ of engine.run(100)) break;
    }
    expect(started).to.equal(2);
  });
});
