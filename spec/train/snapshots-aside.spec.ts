import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { TrainEvent } from "../../lib/train/events.js";
import type { SnapshotPaths } from "../../lib/train/snapshot.js";
import type { SnapshotWriting } from "../../lib/train/snapshot-writer.js";
import { Snapshots } from "../../lib/train/snapshots.js";
import { Solver } from "../../lib/train/solver.js";
import { train } from "../../lib/train/train.js";
import { freshFolder } from "../support/folder.js";

async function eventsOf(events: AsyncIterable<TrainEvent>): Promise<readonly TrainEvent[]> {
  const all: TrainEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

const PATHS: SnapshotPaths = { model: "m", state: "s", side: "n", replicas: "r" };

describe("snapshots of a run", () => {
  /** Snapshots of a solver whose files are written when the spec says so. */
  function stub() {
    const writings: ((error?: Error) => void)[] = [];
    const startSnapshot = async (): Promise<SnapshotWriting> => {
      const written = new Promise<SnapshotPaths>((resolve, reject) => {
        writings.push((error) => (error ? reject(error) : resolve(PATHS)));
      });
      return { isAside: true, written };
    };
    const solver = { iteration: 2, snapshotPrefix: "prefix", startSnapshot };
    return { solver, writings, snapshots: new Snapshots(solver) };
  }

  it("do not wait for their files: the event comes once they are there", async () => {
    const { solver, writings, snapshots } = stub();
    expect(await eventsOf(snapshots.take())).to.deep.equal([]);
    solver.iteration = 5;
    expect([...snapshots.written()]).to.deep.equal([]);
    writings[0]!();
    await snapshots[Symbol.asyncDispose]();
    expect([...snapshots.written()]).to.deep.equal([{ kind: "snapshot", iteration: 2, paths: PATHS }]);
    expect([snapshots.last, snapshots.lastIteration]).to.deep.equal(["s", 2]);
    expect(await eventsOf(snapshots.finish())).to.deep.equal([]);
  });

  it("come one after the other: the next one waits for the files of the one before, and its event comes first", async () => {
    const { solver, writings, snapshots } = stub();
    await eventsOf(snapshots.take());
    solver.iteration = 4;
    const next = eventsOf(snapshots.take());
    expect(writings).to.have.length(1);
    writings[0]!(new Error("the disk is full"));
    const error = { message: "the disk is full" };
    expect(await next).to.deep.equal([{ kind: "snapshot-failed", iteration: 2, error }]);
    writings[1]!();
    expect(await eventsOf(snapshots.finish())).to.deep.equal([{ kind: "snapshot", iteration: 4, paths: PATHS }]);
  });
});

describe("a snapshot that is written while training continues", () => {
  const folder = freshFolder();

  /** A solver of 1.2 million parameters, as many values of history, and few computations. */
  function solverFile(fields: string): string {
    const net = join(folder(), "net.prototxt");
    writeFileSync(
      net,
      `layer { name: "data" type: "Data" top: "data" top: "label"
         data_param { source: "netrun:digits/train" batch_size: 2 } }
       layer { name: "wide" type: "InnerProduct" bottom: "data" top: "wide"
         inner_product_param { num_output: 1500 weight_filler { type: "xavier" } } }
       layer { name: "ip" type: "InnerProduct" bottom: "wide" top: "ip"
         inner_product_param { num_output: 10 weight_filler { type: "xavier" } } }
       layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }`,
    );
    const solver = join(folder(), "solver.prototxt");
    writeFileSync(
      solver,
      `net: "${net}" base_lr: 0.0001 lr_policy: "fixed" momentum: 0.9 snapshot_prefix: "${join(folder(), "snap")}" ${fields}`,
    );
    return solver;
  }

  const files = (end: string) => readdirSync(folder()).filter((name) => name.endsWith(end));

  it("is of its own iteration, whatever training does meanwhile", async () => {
    await using solver = await Solver.load(solverFile("max_iter: 9 snapshot: 3 snapshot_after_train: false"));
    const events = await eventsOf(train(solver));
    const snapshots = events.filter(({ kind }) => kind === "snapshot");
    expect(snapshots.map(({ iteration }) => iteration)).to.deep.equal([3, 6, 9]);
    expect(events.at(-1)).to.include({ kind: "done", iteration: 9 });
    expect([...files(".tmp"), ...files(".netrunlock")]).to.deep.equal([]);
    await using still = await Solver.load(solverFile("max_iter: 9"));
    await still.run(3);
    const own = await still.snapshot(join(folder(), "still"));
    expect(readFileSync(own.model).equals(readFileSync(join(folder(), "snap_iter_3.caffemodel")))).to.equal(true);
    await using resumed = await Solver.load(solverFile("max_iter: 9"), {
      snapshot: join(folder(), "snap_iter_3.solverstate"),
    });
    expect(await resumed.step(2)).to.deep.equal(await still.step(2));
  });

  it("is reported if it fails, and training continues", async () => {
    mkdirSync(join(folder(), "snap_iter_2.solverstate"));
    await using solver = await Solver.load(solverFile("max_iter: 4 snapshot: 2 snapshot_after_train: false"));
    const events = await eventsOf(train(solver));
    const failed = events.find(({ kind }) => kind === "snapshot-failed");
    expect(failed).to.include({ kind: "snapshot-failed", iteration: 2 });
    expect(failed?.kind === "snapshot-failed" && failed.error.message).to.match(
      /^cannot write the file: EISDIR|is a directory/,
    );
    expect(events.filter(({ kind }) => kind === "snapshot").map(({ iteration }) => iteration)).to.deep.equal([4]);
    expect(files(".tmp")).to.deep.equal([]);
  });

  it("is whole before a run that is left early gives up the lock", async () => {
    await using solver = await Solver.load(solverFile("max_iter: 9 snapshot: 1"));
    const run = train(solver);
    for await (const { kind, iteration } of { [Symbol.asyncIterator]: () => run }) {
      if (kind === "iteration" && iteration === 1) break;
    }
    expect(existsSync(join(folder(), "snap_iter_1.solverstate"))).to.equal(true);
    expect([...files(".tmp"), ...files(".netrunlock")]).to.deep.equal([]);
  });
});
