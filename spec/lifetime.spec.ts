import { expect } from "chai";
import { openExtraction } from "../lib/api/extract.js";
import { PoolEngine } from "../lib/engine/pool.js";
import { detectSource, Net, openSource, Solver, type Tensor } from "../lib/index.js";
import { Lifetime } from "../lib/lifetime.js";
import { upTo, work } from "./contracts/engine.js";
import { failure } from "./support/failure.js";
import { freshFolder } from "./support/folder.js";
import { makePlan, netText, startOf, writeRows } from "./support/plan.js";

const NET = `
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "y" inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }`;
const SOLVER = `base_lr: 0.1 lr_policy: "fixed" momentum: 0.9 random_seed: 2 snapshot_prefix: "unused" net_param { ${NET}
  layer { name: "loss" type: "Reduction" bottom: "y" top: "loss" loss_weight: 1 reduction_param { operation: SUMSQ } } }`;
const data: Tensor = { shape: [1, 3], data: Float32Array.of(1, 2, 3) };

describe("a disposed object", () => {
  it("makes calls one after the other, though one before failed", async () => {
    const life = new Lifetime("thing");
    const seen: string[] = [];
    const call = (name: string) =>
      life.run(async () => {
        seen.push(`${name} begins`);
        await new Promise((resolve) => setImmediate(resolve));
        seen.push(`${name} ends`);
        if (name === "a") throw new Error("a failed");
      });
    await Promise.allSettled([call("a"), call("b")]);
    expect(seen).to.deep.equal(["a begins", "a ends", "b begins", "b ends"]);
  });

  it("two steps at the same time are two steps one after the other", async () => {
    await using solver = await Solver.load(SOLVER);
    await using other = await Solver.load(SOLVER);
    const both = await Promise.all([solver.step(1, { data }), solver.step(1, { data })]);
    expect(both).to.deep.equal([await other.step(1, { data }), await other.step(1, { data })]);
    expect(solver.iteration).to.equal(2);
    expect(solver.net.params.get("ip")![0]!.data).to.deep.equal(other.net.params.get("ip")![0]!.data);
  });

  it("gives one error for every call of a net, also if disposed twice", async () => {
    const net = await Net.load(NET);
    await net[Symbol.asyncDispose]();
    await net[Symbol.asyncDispose]();
    for (const call of [net.forward({ data }), net.backward(), net.save("/dev/null")]) {
      await failure(call, "the net was disposed");
    }
    await failure(net.copyTrainedLayersFrom("none.caffemodel"), "the net was disposed");
  });

  for (const workers of [undefined, 1]) {
    it(`gives one error for every call of a solver (workers: ${workers})`, async () => {
      const solver = await Solver.load(SOLVER, { workers });
      await solver[Symbol.asyncDispose]();
      const calls: Promise<unknown>[] = [
        solver.step(1, { data }),
        solver.run(1),
        solver.test(),
        solver.snapshot(),
        solver.restore("x"),
      ];
      calls.push(solver.baseline(1), solver.lossAhead());
      for (const call of calls) await failure(call, "the solver was disposed");
      expect(() => solver.checkSnapshots()).to.throw("the solver was disposed");
    });
  }

  it("gives the same error for a step that the disposal of a solver stops", async () => {
    const solver = await Solver.load(SOLVER, { workers: 1 });
    await solver.step(1, { data });
    const step = solver.step(10_000, { data });
    step.catch(() => {});
    await solver[Symbol.asyncDispose]();
    await failure(step, "the solver was disposed");
  });

  const folder = freshFolder();

  it("gives one error for a closed data source, whose files may be in other use by then", async () => {
    const path = await writeRows(folder(), "closed.arrow", upTo(8));
    const source = await openSource(detectSource(path));
    await source[Symbol.asyncDispose]();
    await source[Symbol.asyncDispose]();
    await failure(
      source.batches({ index: 0, count: 1 })[Symbol.asyncIterator]().next(),
      "the data source was disposed",
    );
    expect(() => source.locate(0)).to.throw("the data source was disposed");
  });

  for (const workers of [undefined, 2]) {
    it(`names the extraction that was disposed (workers: ${workers})`, async () => {
      const path = await writeRows(folder(), "rows.arrow", upTo(48));
      const extraction = await openExtraction({ model: netText(4), data: path, blobs: ["score"], workers });
      const features = extraction[Symbol.asyncIterator]();
      expect((await features.next()).done).to.equal(false);
      await extraction[Symbol.asyncDispose]();
      await failure(features.next(), "the extraction was disposed");
      await failure(extraction[Symbol.asyncIterator]().next(), "the extraction was disposed");
    });
  }

  it("stops the running baseline of a solver", async () => {
    const path = await writeRows(folder(), "rows.arrow", upTo(48));
    const settings = 'base_lr: 0.1 lr_policy: "fixed" random_seed: 2 snapshot_prefix: "unused"';
    const solver = await Solver.load(`${settings} net_param { ${netText(4)} }`, { workers: 2, data: path });
    const running = failure(solver.baseline(1_000_000), "was disposed");
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await solver[Symbol.asyncDispose]();
    await running;
  });

  it("reports a round that the disposal of its pool stops, and restarts nothing", async () => {
    const plan = makePlan({ train: await writeRows(folder(), "rows.arrow", upTo(48)), batch: 4 });
    const pool = new PoolEngine({ workers: 1 });
    await pool.open(plan);
    const running = pool.round(startOf(plan, 4), work(100_000));
    await new Promise((resolve) => setTimeout(resolve, 300));
    const outcome = failure(running, "the engine was disposed");
    await pool[Symbol.asyncDispose]();
    await outcome;
    await failure(pool.state(), "the engine was disposed");
    await failure(pool.open(plan), "the engine was disposed");
  });
});
