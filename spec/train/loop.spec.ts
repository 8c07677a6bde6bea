import { readFileSync } from "node:fs";
import { expect } from "chai";
import type { TrainEvent } from "../../lib/train/events.js";
import { Solver, type SolverOptions } from "../../lib/train/solver.js";
import { train } from "../../lib/train/train.js";
import { freshFolder } from "../support/folder.js";
import { writeRestless } from "../support/training.js";

/** An event without what differs from run to run: times and the machine. */
function lasting(event: TrainEvent): unknown {
  const { times: _, ...rest } = event as TrainEvent & { times?: unknown };
  return rest;
}

describe("a training whose rounds are one loop each", () => {
  const folder = freshFolder();

  async function run(path: string, options: SolverOptions) {
    await using solver = await Solver.load(path, { threads: 1, ...options });
    const events: TrainEvent[] = [];
    for await (const event of train(solver)) events.push(event);
    const last = `${folder()}/snap_iter_${solver.iteration}`;
    const files = ["caffemodel", "solverstate"].map((end) => readFileSync(`${last}.${end}`, "base64"));
    return { events: events.filter(({ kind }) => kind !== "start").map(lasting), files };
  }

  it("tells the same events and writes the same snapshots as one of single iterations, and resumes from them", async () => {
    const path = writeRestless(folder(), "max_iter: 16 snapshot: 6");
    const separate = await run(path, {});
    const loop = await run(path, { loop: true });
    expect(loop.events).to.deep.equal(separate.events);
    expect(loop.files).to.deep.equal(separate.files);
    const resumed = await run(path, { loop: true, snapshot: `${folder()}/snap_iter_6.solverstate` });
    expect(resumed.files).to.deep.equal(loop.files);
  });

  it("shows the loss after the last iteration where that is due, and changes nothing by it", async () => {
    const path = writeRestless(folder(), "max_iter: 15");
    const separate = await run(path, {});
    const loop = await run(path, { loop: true });
    expect(loop.events.some((event) => (event as TrainEvent).kind === "loss")).to.equal(true);
    expect(loop).to.deep.equal(separate);
  });

  it("does several iterations a run", async () => {
    await using solver = await Solver.load(writeRestless(folder(), "max_iter: 16"), { threads: 1, loop: true });
    expect(solver.iterationsAhead).to.be.above(10);
    let rounds = 0;
    const single = solver.run.bind(solver);
    solver.run = (...args) => {
      rounds++;
      return single(...args);
    };
    for await (const _ of train(solver)) {
    }
    // Of 0, 1 to 5, 6 to 10 and 11 to 15 the first is displayed, and a test is due before the others.
    expect(rounds).to.be.within(4, 8);
  });
});
