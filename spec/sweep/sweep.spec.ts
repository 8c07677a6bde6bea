import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { loadNet, loadSolver } from "../../lib/caffe/load.js";
import { StoredRuns } from "../../lib/dashboard/stored-runs.js";
import { listRuns, readRun } from "../../lib/runs/list.js";
import { MedianRule } from "../../lib/sweep/median.js";
import { HalvingSchedule, type Job } from "../../lib/sweep/schedule.js";
import { withSettings } from "../../lib/sweep/settings.js";
import { trialSettings } from "../../lib/sweep/space.js";
import { type SweepEvent, type SweepOptions, sweep } from "../../lib/sweep/sweep.js";
import { cli } from "../support/cli.js";
import { failure } from "../support/failure.js";
import { freshFolder } from "../support/folder.js";

const NET = `name: "lines"
  layer { name: "data" type: "DummyData" top: "x" top: "y" dummy_data_param { shape { dim: 16 dim: 3 } shape { dim: 16 dim: 1 } data_filler { type: "constant" value: 1 } data_filler { type: "constant" value: 2 } } }
  layer { name: "ip.1" type: "InnerProduct" bottom: "x" top: "p" param { lr_mult: 1 } param { lr_mult: 2 } inner_product_param { num_output: 1 weight_filler { type: "constant" value: 0.1 } } }
  layer { name: "loss" type: "EuclideanLoss" bottom: "p" bottom: "y" top: "loss" }`;

const SOLVER = `net: "net.prototxt" base_lr: 0.01 lr_policy: "fixed" max_iter: 12 test_iter: 1 test_interval: 100 test_initialization: false display: 0 random_seed: 3`;

describe("a sweep", () => {
  const folder = freshFolder();

  describe("tries", () => {
    it("every combination of a grid, in its order", () => {
      const grid = { base_lr: [0.1, 0.01], momentum: ["0", "0.9"] };
      expect(trialSettings({ grid }, undefined, 1)).to.deep.equal([
        { base_lr: "0.1", momentum: "0" },
        { base_lr: "0.1", momentum: "0.9" },
        { base_lr: "0.01", momentum: "0" },
        { base_lr: "0.01", momentum: "0.9" },
      ]);
      expect(trialSettings({ grid }, 3, 1)).to.have.length(3);
    });

    it("draws from ranges, the same for the same seed", () => {
      const random = { base_lr: "log:1e-4..1e-1", momentum: "0.5..0.9", max_iter: "int:10..12" };
      const drawn = trialSettings({ random }, 200, 7);
      expect(trialSettings({ random }, 200, 7)).to.deep.equal(drawn);
      expect(trialSettings({ random }, 200, 8)).not.to.deep.equal(drawn);
      const logs = drawn.map(({ base_lr }) => Math.log10(Number(base_lr)));
      expect(Math.min(...logs)).to.be.within(-4, -3.8);
      expect(Math.max(...logs)).to.be.within(-1.2, -1);
      expect(logs.filter((log) => log < -2.5).length).to.be.within(80, 120);
      for (const { momentum } of drawn) expect(Number(momentum)).to.be.within(0.5, 0.9);
      expect(new Set(drawn.map(({ max_iter }) => max_iter))).to.have.all.keys("10", "11", "12");
    });

    it("refuses ranges that are none, nothing to try, and draws without an end", () => {
      expect(() => trialSettings({ random: { base_lr: "log:0..1" } }, 3, 1)).to.throw("base_lr=log:0..1: no range");
      expect(() => trialSettings({ random: { base_lr: "2..1" } }, 3, 1)).to.throw("no range");
      const both = { grid: { base_lr: [1] }, random: { base_lr: "0..1" } };
      expect(() => trialSettings(both, 3, 1)).to.throw("base_lr is both in the grid and drawn");
      expect(() => trialSettings({}, 3, 1)).to.throw("a sweep has nothing to try");
      expect(() => trialSettings({ random: { base_lr: "0..1" } }, undefined, 1)).to.throw("how many runs?");
    });
  });

  describe("sets", () => {
    const base = () => ({ solver: loadSolver(SOLVER).message, net: loadNet(NET).message });

    it("fields of the solver, and of the net by the names of layers, indices and fields", () => {
      const { solver, net } = withSettings(base(), {
        base_lr: "0.5",
        type: "Adam",
        "net.layer.ip.1.inner_product_param.num_output": "7",
        "net.layer.ip.1.inner_product_param.weight_filler.type": "xavier",
        "net.layer.ip.1.param.1.lr_mult": "0",
      });
      expect([solver.base_lr, solver.type, solver.max_iter]).to.deep.equal([0.5, "Adam", 12]);
      const { inner_product_param: ip, param } = net.layer[1]!;
      expect([ip?.num_output, ip?.weight_filler?.type, param.map(({ lr_mult }) => lr_mult)]).to.deep.equal([
        7,
        "xavier",
        [1, 0],
      ]);
    });

    it("nothing that is not there, or of another type", () => {
      for (const [path, text, message] of [
        ["base_lrr", "1", 'base_lrr=1: SolverParameter has no field "base_lrr"'],
        ["net.layer.ip2.param.0.lr_mult", "1", 'the net has no layer "ip2"'],
        ["net.layer.ip.1.param.2.lr_mult", "1", '"2" is no index of the 2 items there'],
        ["net.layer.ip.1.inner_product_param.num_output", "many", "num_output=many: "],
        ["base_lr.x", "1", '"base_lr" has no fields'],
      ] as const)
        expect(() => withSettings(base(), { [path]: text }), path).to.throw(message);
    });
  });

  describe("gives iterations", () => {
    /** The jobs of a sweep whose runs have these scores whatever their iteration. */
    function jobs(schedule: HalvingSchedule, scores: readonly (number | undefined)[]): readonly Job[] {
      const all: Job[] = [];
      for (let job = schedule.next(); job && job !== "wait"; job = schedule.next()) {
        all.push(job);
        schedule.done(job, scores[job.trial]);
      }
      return all;
    }

    it("to all runs alike where nothing is compared", () => {
      const schedule = new HalvingSchedule(3, { iterations: 10, direction: "max" });
      expect(jobs(schedule, [1, 2, 3])).to.deep.equal([0, 1, 2].map((trial) => ({ trial, until: 10 })));
    });

    it("to the best third of those that came as far, and all of them to one", () => {
      const schedule = new HalvingSchedule(9, { iterations: 90, first: 10, direction: "min" });
      const scores = [5, 3, 8, 9, 1, 7, 6, 2, 4];
      const done = jobs(schedule, scores);
      expect(done.filter(({ until }) => until === 10)).to.have.length(9);
      expect(done.filter(({ until }) => until === 90)).to.deep.equal([{ trial: 4, until: 90 }]);
      const spent = done.reduce((sum, { until }) => sum + (until === 10 ? 10 : until === 30 ? 20 : 60), 0);
      expect(spent).to.be.below((9 * 90) / 3);
    });

    it("to runs that a time limit cut short first, up to where they are compared", () => {
      const schedule = new HalvingSchedule(3, { iterations: 12, first: 4, reduction: 2, direction: "max" });
      schedule.restore(0, [{ iteration: 3, score: 5 }]);
      schedule.restore(1, [
        { iteration: 4, score: 1 },
        { iteration: 6, score: 2 },
      ]);
      schedule.restore(2, [{ iteration: 2, score: 1, stopped: true }]);
      const next = [schedule.next(), schedule.next(), schedule.next()];
      expect(next).to.deep.equal([{ trial: 0, until: 4 }, { trial: 1, until: 8 }, "wait"]);
    });

    it("to no run that failed, and says wait while others run", () => {
      const schedule = new HalvingSchedule(3, { iterations: 4, first: 2, reduction: 2, direction: "max" });
      const [one, two, three] = [schedule.next() as Job, schedule.next() as Job, schedule.next() as Job];
      expect(schedule.next()).to.equal("wait");
      schedule.done(one, undefined);
      schedule.done(two, 1);
      expect(schedule.next()).to.deep.equal({ trial: 1, until: 4 });
      schedule.done({ trial: 1, until: 4 }, undefined);
      schedule.done(three, 0);
      expect(schedule.next()).to.deep.equal({ trial: 2, until: 4 });
      schedule.done({ trial: 2, until: 4 }, 0);
      expect(schedule.next()).to.equal(undefined);
    });
  });

  describe("takes a run for hopeless", () => {
    const at = (iteration: number, score: number, direction: "min" | "max" = "max") => ({
      iteration,
      score,
      direction,
    });

    it("after its grace, by its best score so far, where three others have come as far", () => {
      const rule = new MedianRule(10);
      for (const [trial, score] of [0.5, 0.7, 0.9].entries())
        for (const iteration of [5, 10, 20])
          expect(rule.isHopeless(trial, undefined, at(iteration, score))).to.equal(false);
      expect(rule.isHopeless(3, undefined, at(5, 0.1))).to.equal(false);
      // The median of the others is 0.7, and with this one, which stops there, 0.65.
      expect(rule.isHopeless(3, undefined, at(10, 0.6))).to.equal(true);
      expect(rule.isHopeless(4, undefined, at(10, 0.8))).to.equal(false);
      expect(rule.isHopeless(4, undefined, at(20, 0.2))).to.equal(false);
      // Nobody has come as far.
      expect(rule.isHopeless(4, undefined, at(30, 0.2))).to.equal(false);
    });

    it("with less being better, fold by fold, and as well after an earlier part of the sweep", () => {
      const rule = new MedianRule(1);
      for (const trial of [0, 1, 2]) rule.restore(trial, 0, [at(1, trial + 1, "min"), at(2, trial, "min")]);
      expect(rule.isHopeless(3, 1, at(1, 9, "min"))).to.equal(false);
      expect(rule.isHopeless(3, 0, at(1, 2, "min"))).to.equal(false);
      expect(rule.isHopeless(3, 0, at(2, 2, "min"))).to.equal(true);
    });
  });

  async function swept(
    options: Partial<SweepOptions>,
    stopAfter = Number.POSITIVE_INFINITY,
  ): Promise<readonly SweepEvent[]> {
    writeFileSync(join(folder(), "net.prototxt"), NET);
    writeFileSync(join(folder(), "solver.prototxt"), SOLVER);
    const events: SweepEvent[] = [];
    const all = sweep({
      ...{ solver: join(folder(), "solver.prototxt"), output: join(folder(), "sweep"), metric: "loss" },
      ...{ grid: { base_lr: [0.001, 0.02, 1e6] }, firstIterations: 4, reduction: 2 },
      ...options,
    });
    for await (const event of all) {
      events.push(event);
      if (events.filter(({ kind }) => kind === "part-done").length === stopAfter) break;
    }
    return events;
  }

  const partsOf = (events: readonly SweepEvent[]) =>
    events.flatMap((event) =>
      event.kind === "part-done"
        ? [[event.trial.settings["base_lr"], event.result.iteration, event.result.score] as const]
        : [],
    );

  it("finds the best, goes on after it was stopped, and has each run's solver for training again", async () => {
    const whole = await swept({ output: join(folder(), "whole") });
    const done = whole.at(-1)!;
    if (done.kind !== "sweep-done") throw new Error(done.kind);
    expect(done.best!.settings).to.deep.equal({ base_lr: "0.02" });
    expect(done.best!.results.at(-1)!.iteration).to.equal(12);
    expect(done.trials.at(-1)!.settings).to.deep.equal({ base_lr: "1e6".replace("1e6", "1000000") });
    expect(readFileSync(join(done.best!.folder, "solver.prototxt"), "utf8")).to.include("base_lr: 0.02");

    // Each is kept as a run, all parts of it in one log.
    const runs = listRuns(join(folder(), "whole"));
    expect(runs.map(({ name, status, iteration }) => [name, status, iteration])).to.deep.equal([
      ["run-1", "stopped", 4],
      ["run-2", "done", 12],
      // Its loss is not finite.
      ["run-3", "interrupted", 3],
    ]);
    const { notes } = readRun(join(folder(), "whole/run-3")).digest;
    expect(notes.at(-1)).to.deep.include({ kind: "warning", iteration: 3 });
    expect(notes.at(-1)!.text).to.match(/^the run fails: the output "loss" of layer "loss" /);
    expect(runs[1]!.scores["test/loss"]).to.equal(done.best!.results.at(-1)!.score);
    expect(runs[1]!.snapshot).to.equal(done.best!.results.at(-1)!.state);
    const shown = new StoredRuns([join(folder(), "whole")]).runs.map(({ description }) => description);
    expect(shown.map(({ name, settings }) => [name, settings["base_lr"]])).to.deep.equal([
      ["run-1", 0.001],
      ["run-2", 0.02],
      ["run-3", 1e6],
    ]);

    const first = await swept({}, 2);
    const rest = await swept({});
    expect(partsOf(rest).length).to.be.above(0);
    const sorted = (parts: ReturnType<typeof partsOf>) => parts.map((part) => JSON.stringify(part)).sort();
    expect(sorted([...partsOf(first), ...partsOf(rest)])).to.deep.equal(sorted(partsOf(whole)));
    expect(partsOf(await swept({}))).to.deep.equal([]);
  });

  it("ends hopeless runs at a test where they are worse than the median of the others, and those that diverge at once", async () => {
    const rates = [0.02, 0.01, 0.015, 0.0001, 1e6];
    const options = { grid: { base_lr: rates }, firstIterations: undefined, reduction: undefined, medianStop: 4 };
    const solver = join(folder(), "tested.prototxt");
    writeFileSync(solver, SOLVER.replace("test_interval: 100", "test_interval: 2"));
    const events = await swept({ ...options, solver, output: join(folder(), "median") });
    const parts = events.flatMap((event) => (event.kind === "part-done" ? [event] : []));
    const told = parts.map(({ result: { iteration, stopped } }) => [iteration, stopped ?? false]);
    // The fourth has three others; the median of 0.02, 0.01 and 0.015 is better at iteration 4.
    expect(told).to.deep.equal([...rates.slice(0, 3).map(() => [12, false]), [4, true], [12, false]]);
    expect(parts.at(-1)!.result.error).to.match(/not finite|no finite|not a finite/);
    const done = events.at(-1)!;
    if (done.kind !== "sweep-done") throw new Error(done.kind);
    expect(done.best!.settings).to.deep.equal({ base_lr: "0.02" });
    expect(done.trials.slice(3).map(({ settings }) => settings["base_lr"])).to.deep.equal(["0.0001", "1000000"]);

    // As a kill in the fourth run leaves it: its median is that of the runs before.
    const path = join(folder(), "median/sweep.json");
    const state = JSON.parse(readFileSync(path, "utf8"));
    for (const trial of state.trials.slice(3)) trial.results = [];
    writeFileSync(path, JSON.stringify(state));
    const rest = await swept({ ...options, solver, output: join(folder(), "median") });
    expect(partsOf(rest)).to.deep.equal(partsOf(events).slice(3));
    const message = await swept({ ...options, output: join(folder(), "untested") }).catch(
      (error: Error) => error.message,
    );
    expect(message).to.equal("no test comes between iteration 4 and the end at 12, so no run can end early");
  });

  it("prints a table by the metric and the command that trains the winner", async () => {
    writeFileSync(join(folder(), "net.prototxt"), NET);
    writeFileSync(join(folder(), "solver.prototxt"), SOLVER);
    const output = join(folder(), "printed");
    const flags = ["--grid", "base_lr=0.001,0.02", "--metric", "loss", "-o", output];
    const { status, stdout, stderr } = await cli("sweep", join(folder(), "solver.prototxt"), ...flags);
    expect(status, stderr).to.equal(0);
    const lines = stdout.trimEnd().split("\n");
    const rows = lines.filter((line) => /^ *\d+ +12 /.test(line)).map((line) => line.trim().split(/ +/));
    expect(rows.map(([run, , , settings]) => [run, settings])).to.deep.equal([
      ["2", "base_lr=0.02"],
      ["1", "base_lr=0.001"],
    ]);
    expect(Number(rows[0]![2])).to.be.below(Number(rows[1]![2]));
    expect(lines.at(-1)).to.match(/ train .*run-2\/solver\.prototxt$/);
  });

  it("begins no run after its time", async () => {
    const events = await swept({ maxTimeMs: 0, output: join(folder(), "timed") });
    expect(events.map(({ kind }) => kind)).to.deep.equal(["sweep-start", "sweep-done"]);
  });

  it("refuses a folder of another sweep, and settings that do not fit, before anything trains", async () => {
    const message = (options: Partial<SweepOptions>) =>
      swept(options).then(
        () => "",
        (error: Error) => error.message,
      );
    await swept({ grid: { base_lr: [0.01] }, firstIterations: undefined, reduction: undefined });
    expect(await message({ grid: { base_lr: [0.02] } })).to.equal("has another sweep in it");
    expect(await message({ grid: { base_rl: [1] }, output: join(folder(), "b") })).to.include('has no field "base_rl"');
    expect(await message({ workers: 0 })).to.include("workers");
  });

  it("refuses a metric that no test gives, and a folder that is a file, before anything trains", async () => {
    await failure(swept({ metric: "los" }), 'no test gives "los"');
    const taken = join(folder(), "taken");
    writeFileSync(taken, "");
    await failure(swept({ output: taken }), "cannot make the folder");
  });

  it("tells why a run has no score: a metric that is no output of its net", async () => {
    const events = await swept({ metric: "p", output: join(folder(), "c"), grid: { base_lr: [0.01] } });
    const part = events.find((event) => event.kind === "part-done");
    expect(part?.kind === "part-done" && part.result.error).to.equal('no test gives "p"');
  });
});
