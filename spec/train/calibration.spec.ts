import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { ThreadsEvent } from "../../lib/train/events.js";
import { Solver, type SolverOptions } from "../../lib/train/solver.js";
import { train } from "../../lib/train/train.js";
import { cacheIn } from "../support/cache.js";
import { writeRestless } from "../support/training.js";

describe("the threads of training steps", () => {
  const folder = mkdtempSync(join(tmpdir(), "netrun-threads-"));
  after(() => rmSync(folder, { recursive: true }));
  cacheIn(() => folder);
  const kept = join(folder, "threads.json");
  const solver = writeRestless(folder, "max_iter: 200 snapshot_after_train: false", "");

  async function trained(options: SolverOptions = {}) {
    await using loaded = await Solver.load(solver, options);
    const found: ThreadsEvent[] = [];
    for await (const event of train(loaded)) if (event.kind === "threads") found.push(event);
    return { found, weights: loaded.net.params.get("ip")![0]!.data.slice() };
  }

  before(function () {
    // One processor leaves nothing to choose.
    if (availableParallelism() < 2) this.skip();
  });

  it("are chosen by trials, reported, stored for the next training, and change no number", async () => {
    const plain = await trained({ calibrate: false });
    expect(plain.found).to.deep.equal([]);
    const measured = await trained();
    expect(measured.found).to.have.length(1);
    const { threads, tried } = measured.found[0]!;
    expect(tried.map((each) => each.threads)).to.include(threads);
    expect(tried[0]!.threads).to.equal(undefined);
    expect(Object.values(JSON.parse(readFileSync(kept, "utf8")))).to.deep.equal([threads ?? null]);
    // Whatever was measured, 1 was not onnxruntime's choice: what is kept is used.
    writeFileSync(kept, readFileSync(kept, "utf8").replace(/:.*/, ":1}"));
    const again = await trained();
    expect(again.found.map((event) => [event.threads, event.tried.length])).to.deep.equal([[1, 0]]);
    expect(measured.weights).to.deep.equal(plain.weights);
    expect(again.weights).to.deep.equal(plain.weights);
  });

  it("are measured again where what was kept is damaged", async () => {
    writeFileSync(kept, "[1]");
    expect((await trained()).found[0]!.tried).not.to.have.length(0);
  });

  it("are not chosen where they are given, and not for a short training", async () => {
    expect((await trained({ threads: 1 })).found).to.deep.equal([]);
    expect((await trained({ settings: { max_iter: 199 } })).found).to.deep.equal([]);
  });
});
