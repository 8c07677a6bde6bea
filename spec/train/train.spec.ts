import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { Init, SolverParameter } from "../../lib/caffe/messages.js";
import type { Control } from "../../lib/train/requests.js";
import type { TrainEvent } from "../../lib/train/events.js";
import { Solver } from "../../lib/train/solver.js";
import { type TrainOptions, train } from "../../lib/train/train.js";
import { failure } from "../support/failure.js";
import { writeRestless } from "../support/training.js";

async function events(solver: Solver, options: TrainOptions = {}): Promise<TrainEvent[]> {
  const all: TrainEvent[] = [];
  for await (const event of train(solver, options)) all.push(event);
  return all;
}

describe("training runs", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "netrun-train-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const load = (fields: string, settings: Init<SolverParameter> = {}) =>
    Solver.load(writeRestless(folder, fields), { settings });
  const kinds = (all: readonly TrainEvent[]) => all.map(({ kind, iteration }) => `${kind} ${iteration}`);

  it("test, iterate and snapshot in Caffe's order", async () => {
    await using solver = await load("max_iter: 5 snapshot: 4");
    expect(kinds(await events(solver))).to.deep.equal([
      "start 0",
      "iteration 0",
      "iteration 1",
      "iteration 2",
      "iteration 3",
      "snapshot 4",
      "iteration 4",
      "snapshot 5",
      "loss 5",
      "test-progress 5",
      "test-progress 5",
      "test 5",
      "done 5",
    ]);
  });

  it("stop with a snapshot when they are asked to, without the last test", async () => {
    await using solver = await load("max_iter: 5");
    const asked = await events(solver, { action: () => (solver.iteration === 2 ? "stop" : "none") });
    expect(kinds(asked)).to.deep.equal(["start 0", "iteration 0", "iteration 1", "snapshot 2", "done 2"]);
    expect(asked.at(-1)).to.include({ stopped: "asked" });
  });

  it("meets controls as events: a lower learning rate, which a snapshot keeps, and a stop", async () => {
    const lower: Control = { action: "rate", factor: 0.5, from: "dashboard" };
    const stop: Control = { action: "stop", from: "dashboard" };
    const settings: Init<SolverParameter> = { lr_policy: "step", gamma: 1, stepsize: 100 };
    await using solver = await load("max_iter: 9", settings);
    const asked = [lower, "none", stop] as const;
    let polls = 0;
    const all = await events(solver, { action: () => asked[polls++] ?? "none" });
    const rates = all.flatMap((event) => (event.kind === "iteration" ? [event.rate] : []));
    expect(rates).to.deep.equal([1, 0.5, 0.5].map((factor) => factor * rates[0]!));
    expect(all.filter(({ kind }) => kind === "control")).to.deep.equal([
      { kind: "control", iteration: 1, ...lower, rate: rates[1] },
      { kind: "control", iteration: 3, ...stop },
    ]);
    expect(all.at(-1)).to.deep.include({ kind: "done", stopped: "asked" });
    const snapshot = all.find((event) => event.kind === "snapshot")!.paths.state;
    await using next = await load("max_iter: 9", settings);
    await next.restore(snapshot);
    expect(next.rate).to.equal(rates[1]);
  });

  it("stop at the first test without a better score, and keep the best weights", async () => {
    await using solver = await load("max_iter: 40", { test_interval: 1, base_lr: 0 });
    const all = await events(solver, { earlyStop: "accuracy", patience: 2, keepBest: "accuracy" });
    expect(all.filter(({ kind }) => kind === "best").length).to.be.greaterThan(0);
    expect(all.at(-1)).to.include({ kind: "done", stopped: "early-stop" });
    expect(all.at(-1)!.iteration).to.be.lessThan(40);
  });

  it("refuse a score that no test gives", async () => {
    await using solver = await load("max_iter: 5");
    await failure(events(solver, { earlyStop: "acuracy" }), "did you mean accuracy?");
  });

  it("stop when their time is over", async () => {
    await using solver = await load("max_iter: 1000000");
    expect((await events(solver, { maxTimeMs: 1 })).at(-1)).to.include({ iteration: 1, stopped: "max-time" });
  });

  it("say before the first iteration that snapshots cannot be written", async () => {
    writeFileSync(join(folder, "file"), "");
    await using solver = await load("max_iter: 5", { snapshot_prefix: join(folder, "file", "snap") });
    await failure(events(solver), "snapshots cannot be written here");
    expect(solver.iteration).to.equal(0);
  });

  it("go on where a snapshot fails, and try the next", async () => {
    await using solver = await load("max_iter: 3 snapshot: 1");
    mkdirSync(join(folder, "snap_iter_1.caffemodel"));
    expect(kinds(await events(solver))).to.deep.equal([
      "start 0",
      "iteration 0",
      "snapshot-failed 1",
      "iteration 1",
      "snapshot 2",
      "iteration 2",
      "snapshot 3",
      "done 3",
    ]);
  });

  it("stop where a number is not finite, name the first layer, and leave the weights as they were", async () => {
    await using solver = await load("max_iter: 5");
    const weights = solver.net.params.get("ip")![0]!.data;
    weights.fill(1e38);
    await failure(
      events(solver),
      'the output "ip" of layer "ip" is not a finite number in iteration 0: training stops',
    );
    expect(weights.every((value) => value === Math.fround(1e38))).to.equal(true);
    expect(solver.iteration).to.equal(0);
  });

  it("name the parameter that is not finite, and write no snapshot of it", async () => {
    await using solver = await load("max_iter: 5");
    solver.net.params.get("conv")![0]!.data[0] = Number.NaN;
    await failure(solver.snapshot(), 'parameter 0 of layer "conv" is not finite');
    await failure(solver.step(1), 'parameter 0 of layer "conv" is not a finite number in iteration 0');
  });

  it("show with debug_info the statistics of every blob and parameter, as numbers, before the iteration", async () => {
    await using solver = await load("max_iter: 1 debug_info: true snapshot_after_train: false");
    const [, statistics, iteration] = await events(solver);
    if (statistics?.kind !== "statistics") throw new Error(`${statistics?.kind} in place of statistics`);
    const names = (list: typeof statistics.forward) =>
      list.map(({ layer, blob, param }) => `${layer} ${blob ?? param}`);
    expect(iteration?.kind).to.equal("iteration");
    expect(names(statistics.forward)).to.include.members(["data data", "ip 0", "ip ip", "loss loss"]);
    expect(names(statistics.backward)).to.include.members(["ip ip", "conv 0"]);
    expect([...statistics.forward, ...statistics.backward].every(({ meanAbs }) => meanAbs >= 0)).to.equal(true);
    const conv = statistics.update.find(({ layer, param }) => layer === "conv" && param === 0)!;
    expect(conv.diff).to.be.above(0).and.below(conv.data);
    expect(statistics.norms.data.l2).to.be.above(0);
  });

  it("leave a test early when they are asked to stop, and continue as if it had not begun", async () => {
    const path = writeRestless(folder, "max_iter: 6", "test_iter: 40 test_interval: 3");
    await using straight = await Solver.load(path);
    const whole = (await events(straight)).filter(({ kind }) => kind === "test" || kind === "iteration");
    await using solver = await Solver.load(path);
    let batches = 0;
    const left = await events(solver, {
      action: () => (batches === 4 ? "stop" : "none"),
      onEvent: (event) => {
        batches = event.kind === "test-progress" ? event.done : 0;
      },
    });
    expect(left.filter(({ kind }) => kind === "test")).to.deep.equal([]);
    expect(left.at(-1)).to.include({ kind: "done", iteration: 3, stopped: "asked" });
    const snapshot = left.flatMap((event) => (event.kind === "snapshot" ? event.paths.state : []))[0]!;
    await using resumed = await Solver.load(path, { snapshot });
    const rest = (await events(resumed)).filter(({ kind }) => kind === "test" || kind === "iteration");
    const timeless = (all: TrainEvent[]) => all.map((event) => ({ ...event, times: undefined }));
    expect(timeless(rest)).to.deep.equal(timeless(whole).slice(3));
  });
});
