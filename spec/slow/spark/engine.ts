import { join } from "node:path";
import { expect } from "chai";
import { TrainingStopped } from "../../../lib/engine/engine.js";
import type { SparkChoice } from "../../../lib/engine/spark/choice.js";
import { SparkEngine } from "../../../lib/engine/spark/engine.js";
import { type SweepOptions, sweep } from "../../../lib/sweep/sweep.js";
import { engineContract, upTo, work } from "../../contracts/engine.js";
import { freshFolder } from "../../support/folder.js";
import { makePlan, startOf, writeRows } from "../../support/plan.js";
import type { SharedCluster } from "../../support/spark.js";
import { writeRestless } from "../../support/training.js";

/** The engine and sweeps on one application. */
export function engineSpecs(shared: () => SharedCluster): void {
  const folder = freshFolder();
  let engine: SparkChoice;
  before(() => {
    ({ engine } = shared());
  });

  engineContract("spark", () => new SparkEngine({ workers: 2, engine: shared().engine }));

  it("sweeps over settings, and over folds of the rows: what runs of this machine give, each part a task of one application", async () => {
    const solver = writeRestless(folder(), "max_iter: 12", "test_iter: 2 test_interval: 1000");
    const swept = async (options: Partial<SweepOptions>, name: string) => {
      const parts: string[] = [];
      const given = { solver, metric: "accuracy", workers: 2, threads: 1, output: join(folder(), name) };
      for await (const event of sweep({ ...given, ...options })) {
        if (event.kind !== "part-done") continue;
        const { iteration, score, deviation, loss, error, folds } = event.result;
        const each = folds?.map((fold) => ({ score: fold.score, loss: fold.loss }));
        parts.push(JSON.stringify({ run: event.trial.index, iteration, score, deviation, loss, error, folds: each }));
      }
      return parts.sort();
    };
    const early = { grid: { base_lr: [0.001, 0.05, 0.1] }, firstIterations: 4 };
    const folds = { grid: { base_lr: [0.05] }, folds: 2 };
    for (const [name, options, parts] of [["early", early, 4] as const, ["folds", folds, 1] as const]) {
      const own = await swept(options, name);
      expect(own).to.have.length(parts);
      expect(await swept({ ...options, engine }, `${name}-there`)).to.deep.equal(own);
    }
  }).timeout(180_000);

  it("ends once at an error of the user's, with its place, the executor and the partition", async () => {
    const replicas = new SparkEngine({ workers: 2, engine });
    try {
      const path = await writeRows(folder(), "rows.arrow", upTo(48));
      const plan = makePlan({ train: path, batch: 4 });
      await replicas.open(plan);
      const batch = { data: { shape: [1, 2], data: new Float32Array(2) } };
      const error = await replicas.round(startOf(plan, 4), { ...work(2), batch }).catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(TrainingStopped);
      expect((error as Error).message).to.match(
        /^partition [01] of 2 failed: .*\(executor \d on 127\.0\.0\.[23], pid \d+\)$/,
      );
    } finally {
      await replicas[Symbol.asyncDispose]();
    }
  });
}
