import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { NetrunError } from "../../lib/error.js";
import { askTraining, ControlBox } from "../../lib/runs/control-box.js";
import { addEvent, newDigest, replicaCurve } from "../../lib/runs/digest.js";
import { listRuns, readRun } from "../../lib/runs/list.js";
import { readDigest, storedText } from "../../lib/runs/read-log.js";
import { RunFolder } from "../../lib/runs/run-folder.js";
import { addValue, cutSeries, MOST_POINTS, newSeries } from "../../lib/runs/series.js";
import { type TrainRunOptions, trainRun } from "../../lib/runs/train-run.js";
import type { TrainEvent } from "../../lib/train/events.js";
import type { Control } from "../../lib/train/requests.js";
import { train } from "../../lib/train/train.js";
import { cli } from "../support/cli.js";
import { failure } from "../support/failure.js";
import { freshFolder } from "../support/folder.js";
import { root } from "../support/shared.js";
import { writeRestless } from "../support/training.js";

describe("a run", () => {
  const folder = freshFolder();
  const runs = () => join(folder(), "runs");

  async function trained(options: Omit<TrainRunOptions, "runs">): Promise<readonly TrainEvent[]> {
    const events: TrainEvent[] = [];
    for await (const event of trainRun({ ...options, runs: runs() })) events.push(event);
    return events;
  }
  const solver = (fields = "max_iter: 10 snapshot: 5") => writeRestless(folder(), fields);

  it("has a folder with the solver and net as run, settings, versions, seed, events, snapshots and the best weights", async () => {
    const events = await trained({ run: "first", solver: solver(), settings: { base_lr: 0.02 } });
    const at = join(runs(), "first");
    expect(readdirSync(at).sort()).to.deep.equal([
      "digest.json",
      "events.jsonl",
      "net.prototxt",
      "run.json",
      "snapshots",
      "solver.prototxt",
    ]);
    expect(readFileSync(join(at, "solver.prototxt"), "utf8")).to.contain("base_lr: 0.02");
    expect(readFileSync(join(at, "net.prototxt"), "utf8"))
      .to.contain('name: "restless"')
      .and.to.contain("phase: TEST");
    const { info, digest, status } = readRun(at);
    expect(info).to.deep.include({ name: "first", seed: 3, settings: { settings: { base_lr: 0.02 } } });
    expect(info.starts.map(({ iteration }) => iteration)).to.deep.equal([0]);
    expect(info.starts[0]!.versions).to.have.all.keys("netrun", "node", "onnxruntime");
    expect(status).to.equal("done");
    expect(digest.snapshots.map(({ iteration }) => iteration)).to.deep.equal([5, 10]);
    expect(readFileSync(join(at, "events.jsonl"), "utf8").trim().split("\n")).to.have.length(events.length);
    expect(readdirSync(join(at, "snapshots"))).to.include("first_best.caffemodel");
  });

  it("is not overwritten: of two with a name at once one gets it, and a later one is refused with a free name", async () => {
    const results = await Promise.allSettled([1, 2].map(async () => RunFolder.create("same", runs(), () => {})));
    expect(results.map(({ status }) => status).sort()).to.deep.equal(["fulfilled", "rejected"]);
    const words =
      'there is a run "same"\nnote: --resume goes on with it; another run needs another name, such as same-2';
    await failure(trained({ run: "same", solver: solver() }), words);
    for (const each of results) if (each.status === "fulfilled") await each.value[Symbol.asyncDispose]();
    expect(existsSync(join(runs(), "same"))).to.equal(false);
  });

  it("is refused a name that leads elsewhere", async () => {
    await failure(trained({ run: "../other", solver: solver() }), '"../other" is no name for a run');
  });

  it("is resumed without its solver from the newest snapshot that is whole, to the same weights", async () => {
    await trained({ run: "straight", solver: solver("max_iter: 15 snapshot: 5") });
    await trained({ run: "broken", solver: solver("max_iter: 10 snapshot: 5") });
    rmSync(join(folder(), "solver.prototxt"));
    const weights = (name: string, iteration: number) =>
      join(runs(), name, "snapshots", `${name}_iter_${iteration}.caffemodel`);
    truncateSync(weights("broken", 10), 100);
    const warnings: NetrunError[] = [];
    const settings = { max_iter: 15 };
    await trained({ run: "broken", resume: true, settings, onWarning: (warning) => warnings.push(warning) });
    expect(warnings.map(({ message }) => message).join("\n")).to.match(/^this snapshot is passed over: /);
    expect(readFileSync(weights("broken", 15)).equals(readFileSync(weights("straight", 15)))).to.equal(true);
    const { info, digest } = readRun(join(runs(), "broken"));
    expect(info.starts.map(({ iteration }) => iteration)).to.deep.equal([0, 5]);
    expect(digest.series["train/loss"]!.at).to.deep.equal(Array.from({ length: 15 }, (_, i) => i));
    expect(digest.iteration).to.equal(15);
  }).timeout(20_000);

  it("is kept, listed and resumed by the command line", async () => {
    const first = await cli("train", solver(), "--run", "mine", "--runs", runs(), "--max-iter", "5");
    expect(first.status, first.stderr).to.equal(0);
    const picture = join(folder(), "mine.svg");
    const plotted = await cli("plot", join(runs(), "mine"), "-o", picture);
    expect(plotted.stdout).to.contain("loss, test accuracy, learning rate of 1 run");
    const next = await cli("train", "--run", "mine", "--runs", runs(), "--resume", "--max-iter", "10");
    expect(next.status, next.stderr).to.equal(0);
    expect(next.stdout)
      .to.match(/Iteration 5\b/)
      .and.not.to.match(/Iteration 0\b/);
    const [listed] = JSON.parse((await cli("runs", runs(), "--json")).stdout);
    expect(listed).to.deep.include({ name: "mine", status: "done", iteration: 10, maxIter: 10 });
    expect(listed.best.metric).to.equal("accuracy");
    expect((await cli("runs", runs())).stdout).to.match(/^run +status +iteration .*\nmine +done +10\/10 /);
  }).timeout(20_000);

  it("gets what another process asks in the order that it was asked in, in one millisecond too", async () => {
    await trained({ run: "asked", solver: solver("max_iter: 1") });
    const at = join(runs(), "asked");
    const box = new ControlBox(at, () => {});
    const factors = Array.from({ length: 20 }, (_, i) => 1 / (i + 2));
    for (const factor of factors) askTraining(at, { action: "rate", factor, from: "spec" });
    expect(factors.map(() => (box.action() as Control).factor)).to.deep.equal(factors);
    expect(box.action()).to.equal("none");
  });

  it("that is not there is named, with the nearest that is", async () => {
    await trained({ run: "alexnet", solver: solver("max_iter: 1") });
    const { status, stderr } = await cli("train", "--run", "alexnet2", "--runs", runs(), "--resume");
    expect([status, stderr]).to.deep.equal([1, `${runs()}: there is no run "alexnet2"\nnote: did you mean alexnet?\n`]);
  });

  it("is listed as interrupted where its process ended without a word", async () => {
    await trained({ run: "killed", solver: solver("max_iter: 2") });
    const log = join(runs(), "killed", "events.jsonl");
    const lines = readFileSync(log, "utf8").trim().split("\n");
    writeFileSync(log, `${lines.slice(0, -1).join("\n")}\n{"event":"iter`);
    expect(listRuns(runs())[0]).to.deep.include({ name: "killed", status: "interrupted", iteration: 2 });
  });
});

describe("a digest", () => {
  const folder = freshFolder();

  it("has at most so many points of a curve, with means and extremes of what they stand for", () => {
    const series = newSeries();
    const count = 100_000;
    for (let i = 0; i < count; i++) addValue(series, i, i / 10, i % 2 === 0 ? i : -i);
    expect(series.at.length)
      .to.be.at.most(MOST_POINTS)
      .and.at.least(MOST_POINTS / 2);
    expect(series.width).to.equal(64);
    expect([series.at[1], series.min[1], series.max[1], series.mean[1]]).to.deep.equal([64, -127, 126, -0.5]);
    expect(series.count.reduce((sum, each) => sum + each)).to.equal(count);
    cutSeries(series, 640);
    expect(series.at.at(-1)).to.equal(576);
  });

  it("keeps the test and the round of the snapshot that a run goes on from, and not the iteration after it", () => {
    const digest = newDigest();
    const add = (seconds: number, event: object) =>
      addEvent(digest, { seconds, event: event as unknown as TrainEvent });
    const iteration = (at: number) =>
      add(at, { kind: "iteration", iteration: at, loss: at, smoothedLoss: at, rate: 1, rows: 1, times: {} });
    const start = (at: number) => add(0, { kind: "start", iteration: at, net: { name: "n" } });
    start(0);
    for (let at = 0; at < 6; at++) {
      add(at, { kind: "test", iteration: at, net: 0, outputs: { accuracy: [at] }, loss: 0 });
      add(at, { kind: "round", iteration: at, imagesPerSecond: 1, loss: 0, times: {} });
      iteration(at);
    }
    start(4);
    expect(digest.series["test/accuracy"]!.at).to.deep.equal([0, 1, 2, 3, 4]);
    expect(digest.series["round/loss"]!.at).to.deep.equal([0, 1, 2, 3, 4]);
    expect(digest.series["train/loss"]!.at).to.deep.equal([0, 1, 2, 3]);
  });

  it("has the reconstruction errors of pretraining by their steps, which a run that goes on keeps", () => {
    const digest = newDigest();
    const events = [
      { kind: "start", iteration: 0, net: { name: "n" } },
      ...[0, 1, 2].map((step) => ({
        kind: "pretraining",
        iteration: 0,
        layer: "h",
        step,
        loss: 1,
        reconstructionError: 9 - step,
      })),
      { kind: "start", iteration: 1, net: { name: "n" } },
    ];
    for (const [seconds, event] of events.entries())
      addEvent(digest, { seconds, event: event as unknown as TrainEvent });
    const { at, mean } = digest.series["pretraining/h"]!;
    expect([at, mean]).to.deep.equal([
      [0, 1, 2],
      [9, 8, 7],
    ]);
  });

  it("of a stored one and the lines after it is that of all lines", async () => {
    const events = join(folder(), "runs", "a", "events.jsonl");
    for await (const _ of trainRun({
      run: "a",
      runs: join(folder(), "runs"),
      solver: writeRestless(folder(), "max_iter: 8"),
    }));
    const all = readDigest(events).digest;
    const text = readFileSync(events, "utf8");
    const half = text.indexOf("\n", text.length / 2) + 1;
    const before = join(folder(), "before.jsonl");
    writeFileSync(before, text.slice(0, half));
    const stored = join(folder(), "digest.json");
    writeFileSync(stored, storedText(half, readDigest(before).digest));
    expect(readDigest(events, stored).digest).to.deep.equal(all);
    writeFileSync(stored, '{"bytes": 3');
    expect(readDigest(events, stored).digest).to.deep.equal(all);
  });
});

describe("a digest of a training on Spark", () => {
  const folder = freshFolder();
  const read = () => readDigest(join(root, "fixtures/events/spark.jsonl")).digest;

  it("has the curves of the rounds, of each replica, and who was lost", () => {
    const digest = read();
    const at = [10, 20, 30, 40, 50, 60];
    for (const name of ["rows per second", "loss", "computeMs", "waitMs", "sendMs", "averageMs", "slowestMs"])
      expect(digest.series[`round/${name}`]!.at, name).to.deep.equal(at);
    for (const replica of [0, 1])
      for (const what of ["rows per second", "computeMs", "waitMs", "loss"] as const)
        expect(digest.series[replicaCurve(replica, what)]!.at, what).to.deep.equal(at);
    // What a replica waits for are the others, not the cluster.
    const [one, other] = [0, 1].map((replica) => digest.series[replicaCurve(replica, "waitMs")]!.mean);
    for (const [i, wait] of digest.series["round/waitMs"]!.mean.entries())
      expect((one![i]! + other![i]!) / 2).to.be.closeTo(wait, 1e-6);
    expect(digest.series["round/spread"]!.at).to.deep.equal([10, 50]);
    expect(digest.start!.replicas).to.deep.include({ count: 2, isolation: "spark", onWorkerLoss: "redo" });
    expect(digest.lost).to.deep.equal({ 1: { redone: 1, dropped: 0 } });
    expect(digest.notes.map(({ text }) => text)).to.include(
      "replica 1 was lost in round 2 (redone): worker 1 (executor 1 on 127.0.0.2): its worker has ended",
    );
  });

  it("has the kinds of events and curves that one of threads has", async () => {
    const solver = writeRestless(folder(), "max_iter: 20 snapshot_after_train: false");
    const own = newDigest();
    for await (const event of train({ solver, workers: 2, syncInterval: 10, statistics: 10 }))
      addEvent(own, { seconds: 0, event });
    expect(Object.keys(read().series)).to.have.members(Object.keys(own.series));
  });
});
