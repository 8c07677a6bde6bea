import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { explain } from "../../lib/tables/explain.js";
import { newNet } from "../../lib/tables/new-net.js";
import { predict } from "../../lib/tables/predict.js";
import { sweep } from "../../lib/sweep/sweep.js";
import { prng } from "../support/prng.js";
import { root } from "../support/shared.js";
import { trainToEnd } from "../support/tables.js";

const IRIS = join(root, "examples/iris/iris.csv");

describe("examples with tables", function () {
  this.timeout(300_000);
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "netrun-tables-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  /** Accuracy or errors of a model on a table. */
  async function scoresOf(model: string, data: string) {
    await using predictions = await predict({ model, data });
    for await (const _ of predictions);
    return predictions.summary();
  }

  it("names Iris: 0.93 of the held-out flowers and more, by default settings, and in cross-validation", async () => {
    const output = join(folder, "iris");
    await newNet({ kind: "mlp", data: IRIS, label: "species", hidden: [16, 16], output });
    expect((await trainToEnd(join(output, "solver.prototxt"))).accuracy![0]).to.be.at.least(0.93);
    expect((await scoresOf(output, IRIS)).accuracy).to.be.at.least(0.97);
    const solver = join(output, "solver.prototxt");
    for await (const event of sweep({
      solver,
      output: join(folder, "sweep"),
      metric: "accuracy",
      folds: 5,
      grid: { base_lr: [1] },
    }))
      if (event.kind === "sweep-done") expect(event.best!.results[0]!.score).to.be.at.least(0.93);
  });

  it("predicts a census's kind of table: categories, missing cells, a rare class", async () => {
    const draw = prng(7);
    const one = (...texts: readonly string[]) => texts[Math.floor(draw() * texts.length)]!;
    const people = (count: number) =>
      Array.from({ length: count }, () => {
        const [age, years, hours] = [
          17 + Math.floor(draw() * 60),
          1 + Math.floor(draw() * 16),
          10 + Math.floor(draw() * 60),
        ];
        const [work, family] = [one("private", "state", "self", "?"), one("married", "single", "divorced")];
        const worth = age / 20 + years / 3 + hours / 30 + (family === "married" ? 2 : 0) + (work === "self" ? 1 : 0);
        const income = worth + draw() > 10 ? "over 50K" : "to 50K";
        return [draw() < 0.05 ? "" : age, work, years, family, hours, "USA", income].join(",");
      });
    const write = (name: string, count: number) => {
      const path = join(folder, name);
      writeFileSync(path, `${["age,workclass,education,family,hours,country,income", ...people(count)].join("\n")}\n`);
      return path;
    };
    const [data, testData] = [write("people.csv", 6000), write("others.csv", 2000)];
    const output = join(folder, "people");
    const made = await newNet({
      kind: "mlp",
      data,
      testData,
      label: "income",
      embed: "auto",
      classWeights: "balanced",
      output,
    });
    expect(made.preparation!.columns.find(({ name }) => name === "country")!.kind).to.equal("skipped");
    const { accuracy } = await trainToEnd(join(output, "solver.prototxt"));
    expect(accuracy![0]).to.be.at.least(0.9);
    const importances = await explain({ model: output });
    expect(importances.slice(0, 4).map(({ column }) => column)).to.include.members(["family", "education"]);
  });

  it("writes LeNet and CIFAR quick for the digits, which train as they are", async () => {
    for (const [kind, least] of [
      ["lenet", 0.95],
      ["cifar", 0.95],
    ] as const) {
      const output = join(folder, kind);
      await newNet({ kind, output, epochs: 3 });
      expect((await trainToEnd(join(output, "solver.prototxt"))).accuracy![0], kind).to.be.at.least(least);
      expect(existsSync(join(output, "deploy.prototxt"))).to.equal(true);
    }
  });
});
