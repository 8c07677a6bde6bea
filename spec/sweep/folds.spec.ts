import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { StoredRuns } from "../../lib/dashboard/stored-runs.js";
import { saveRows } from "../../lib/data/source/table/save.js";
import { spark } from "../../lib/engine/spark/choice.js";
import { type SweepEvent, type SweepOptions, sweep } from "../../lib/sweep/sweep.js";
import { Solver } from "../../lib/train/solver.js";
import { failure } from "../support/failure.js";
import { freshFolder } from "../support/folder.js";

const NET = `
  layer { name: "d" type: "Data" top: "x" top: "y" include { phase: TRAIN } data_param { source: "rows.arrow" batch_size: 4 } }
  layer { name: "d" type: "Data" top: "x" top: "y" include { phase: TEST } data_param { source: "rows.arrow" batch_size: 4 } }
  layer { name: "ip" type: "InnerProduct" bottom: "x" top: "p" inner_product_param { num_output: 1 weight_filler { type: "constant" value: 0.1 } } }
  layer { name: "loss" type: "EuclideanLoss" bottom: "p" bottom: "y" top: "loss" }`;

describe("cross-validation of a sweep", () => {
  const folder = freshFolder();

  async function swept(options: Partial<SweepOptions>): Promise<Extract<SweepEvent, { kind: "sweep-done" }>> {
    writeFileSync(join(folder(), "net.prototxt"), NET);
    writeFileSync(
      join(folder(), "solver.prototxt"),
      `net: "net.prototxt" base_lr: 0.01 lr_policy: "fixed" max_iter: 8 test_iter: 2 test_interval: 100 test_initialization: false display: 0`,
    );
    await saveRows(
      join(folder(), "rows.arrow"),
      Array.from({ length: 15 }, (_, i) => ({ x: [i / 10, 1], y: i / 5 + (i % 4) })),
    );
    const output = join(folder(), "sweep");
    let last: SweepEvent | undefined;
    const solver = join(folder(), "solver.prototxt");
    for await (const event of sweep({
      solver,
      output,
      metric: "loss",
      folds: 3,
      grid: { base_lr: [0.001, 0.1] },
      ...options,
    }))
      last = event;
    if (last?.kind !== "sweep-done") throw new Error("the sweep does not end");
    return last;
  }

  it("has each setting trained on all folds but one, scored by the mean of those, and goes on where it was killed", async () => {
    const { trials, best } = await swept({});
    expect(best!.settings).to.deep.equal({ base_lr: "0.1" });
    for (const { results } of trials) {
      const [{ score, deviation, folds, iteration }] = results as [(typeof results)[number]];
      const scores = folds!.map((fold) => fold.score!);
      expect(iteration).to.equal(8);
      expect(new Set(scores).size).to.equal(3);
      const mean = scores.reduce((sum, each) => sum + each, 0) / 3;
      expect(score).to.be.closeTo(mean, 1e-9);
      expect(deviation).to.be.closeTo(Math.sqrt(scores.reduce((sum, each) => sum + (each - mean) ** 2, 0) / 2), 1e-9);
    }
    // As a kill after two folds of the second run leaves it.
    const path = join(folder(), "sweep/sweep.json");
    const state = JSON.parse(readFileSync(path, "utf8"));
    const [{ folds }] = state.trials[1].results;
    state.trials[1] = { ...state.trials[1], results: [], pending: { until: 8, folds: folds.slice(0, 2) } };
    writeFileSync(path, JSON.stringify(state));
    const weights = (fold: number) =>
      statSync(join(folder(), `sweep/run-2/fold-${fold}/snapshots/fold-${fold}_iter_8.caffemodel`)).mtimeMs;
    const before = [1, 2, 3].map(weights);
    const again = await swept({});
    const shown = new StoredRuns([join(folder(), "sweep")]).runs.map(({ description }) => description);
    expect(shown.map(({ name, settings }) => [name, settings["fold"], settings["base_lr"]])).to.deep.equal([
      ["run-1/fold-1", 1, 0.001],
      ["run-1/fold-2", 2, 0.001],
      ["run-1/fold-3", 3, 0.001],
      ["run-2/fold-1", 1, 0.1],
      ["run-2/fold-2", 2, 0.1],
      ["run-2/fold-3", 3, 0.1],
    ]);
    const scoreOf = (list: typeof trials) => list.map(({ index, results }) => [index, results[0]!.score]);
    expect(scoreOf(again.trials)).to.deep.equal(scoreOf(trials));
    expect([1, 2, 3].map((fold) => weights(fold) === before[fold - 1])).to.deep.equal([true, true, false]);
  });

  it("compares means where worse runs end early, each fold going on from its own snapshot", async () => {
    const { trials } = await swept({ grid: { base_lr: [0.001, 0.1, 1e6] }, firstIterations: 4, reduction: 2 });
    expect(trials[0]!.results.map(({ iteration }) => iteration)).to.deep.equal([4, 8]);
    expect(trials[0]!.results[1]!.folds!.map(({ state }) => state!.match(/fold-\d.*/)![0])).to.deep.equal(
      [1, 2, 3].map((fold) => `fold-${fold}/snapshots/fold-${fold}_iter_8.solverstate`),
    );
    expect(trials.map(({ settings }) => settings["base_lr"])).to.include("1000000");
    expect(trials.at(-1)!.results.map(({ iteration }) => iteration)).to.deep.equal([4]);
  });

  it("reads what a net names from its folder, and so does the solver of the winner", async () => {
    const { best, trials } = await swept({ folds: undefined, grid: { base_lr: [0.1] } });
    expect(trials[0]!.results[0]!.error).to.equal(undefined);
    await using again = await Solver.load(join(best!.folder, "solver.prototxt"));
    expect(await again.step(1)).to.have.length(1);
  });

  it("is refused with data to test on, and without rows that could be folds", async () => {
    const message = (options: Partial<SweepOptions>) =>
      swept(options).then(
        () => "",
        (error: Error) => error.message,
      );
    expect(await message({ testData: "rows.arrow" })).to.include("folds are tested on rows of the data themselves");
    expect(await message({ folds: 1 })).to.include("folds is 1");
    expect(await message({ folds: 100 })).to.equal("15 rows do not make 100 folds");
  });

  it("refuses DataFrames, and says what has folds", async () => {
    await failure(
      swept({ data: "spark:parquet:/rows", engine: spark({ master: "local[1]" }) }),
      '"spark:parquet:/rows" is a DataFrame, which has no folds\nnote: folds are cut from files',
    );
  });
});
