import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { Net } from "../../lib/api/net.js";
import type { NetrunError } from "../../lib/error.js";
import { explain } from "../../lib/tables/explain.js";
import { newNet } from "../../lib/tables/new-net.js";
import { permutationImportance } from "../../lib/tables/permutation.js";
import { predict } from "../../lib/tables/predict.js";
import type { PredictedRow } from "../../lib/tables/predictions.js";
import { writePredictions } from "../../lib/tables/write-predictions.js";
import { freshFolder } from "../support/folder.js";
import { trainedNet, writeTable } from "../support/tables.js";

/** Rows (x, town, y): y is 3 x + 2, and 4 more in Ulm. */
const ROWS = Array.from({ length: 60 }, (_, i) => {
  const [x, town] = [((i * 37) % 60) / 10, ["Ulm", "Bonn", "Jena"][i % 3]!];
  return [x, town, 3 * x + 2 + (town === "Ulm" ? 4 : 0)] as const;
});

describe("options of a net for a table", () => {
  const folder = freshFolder();
  const table = () => writeTable(folder(), "rows.csv", [["x", "town", "y"], ...ROWS]);
  const made = (options: object) =>
    newNet({
      kind: "mlp",
      data: table(),
      label: "y",
      hidden: [4],
      output: join(folder(), "net"),
      overwrite: true,
      ...options,
    });
  const text = (name = "train_test") => readFileSync(join(folder(), "net", `${name}.prototxt`), "utf8");
  const predictedRows = async (data: string, options: object = {}): Promise<readonly PredictedRow[]> => {
    await using predictions = await predict({ model: join(folder(), "net"), data, ...options });
    const rows: PredictedRow[] = [];
    for await (const row of predictions) rows.push(row);
    return rows;
  };
  /** Blobs of a first batch. */
  async function blobs(names: readonly string[]) {
    await using net = await Net.load(join(folder(), "net/train_test.prototxt"), { phase: "TRAIN" });
    const given = await net.forward({}, { blobs: names });
    return names.map((name) => [...given[name]!.data]);
  }

  it("has losses that are their formulas, of the standardised label", async () => {
    const losses: Readonly<Record<string, (d: number) => number>> = {
      euclidean: (d) => (d * d) / 2,
      huber: (d) => (Math.abs(d) < 1 ? (d * d) / 2 : Math.abs(d) - 0.5),
      absolute: Math.abs,
      quantile: (d) => Math.max(0.9 * d, -0.1 * d),
    };
    for (const [loss, formula] of Object.entries(losses)) {
      await made({ loss, ...(loss === "quantile" && { quantile: 0.9 }) });
      const [output, label, value] = await blobs(["output", "label", "loss"]);
      const each = output!.map((y, i) => formula(label![i]! - y));
      expect(value![0], loss).to.be.closeTo(each.reduce((sum, one) => sum + one, 0) / each.length, 1e-5);
    }
  });

  it("predicts numbers in the label's unit", async () => {
    await trainedNet(folder(), { data: table(), label: "y", hidden: [8], epochs: 400, heldOut: 0 });
    const rows = await predictedRows(table());
    const errors = rows.map(({ prediction }, i) => Math.abs((prediction as number) - ROWS[i]![2]));
    expect(Math.max(...errors)).to.be.below(3);
    const columns = await explain({ model: join(folder(), "net") });
    expect(columns.map(({ column }) => column)).to.have.members(["x", "town"]);
    // x moves y by 18 at most, a town by 4.
    const losses = await permutationImportance({ model: join(folder(), "net"), data: table() });
    expect(losses.map(({ column }) => column)).to.deep.equal(["x", "town"]);
    // Mixing x doubles its part of the variance: half the square of the standardised label is then near that part.
    const part = 27 / (27 + 3.6);
    expect(losses[0]!.increase).to.be.closeTo(part, 0.3);
    expect(losses[1]!.increase).to.be.within(0.02, 0.3);
    const bare = writeTable(folder(), "bare.csv", [
      ["x", "town"],
      [1, "Ulm"],
    ]);
    const error = await permutationImportance({ model: join(folder(), "net"), data: bare }).catch(
      (reason: unknown) => reason,
    );
    expect((error as NetrunError).format()).to.include("has no column of the label");
  });

  it("predicts a quantile: so many rows are below it", async () => {
    const noise = Array.from({ length: 100 }, (_, i) => [i % 2, ((i * 61) % 100) / 10]);
    const data = writeTable(folder(), "noise.csv", [["x", "y"], ...noise]);
    await trainedNet(folder(), {
      data,
      label: "y",
      loss: "quantile",
      quantile: 0.8,
      hidden: [4],
      epochs: 1500,
      heldOut: 0,
      batchSize: 100,
    });
    const rows = await predictedRows(data);
    const below = rows.filter(({ prediction }, i) => noise[i]![1]! < (prediction as number)).length;
    expect(below).to.be.within(74, 86);
  });

  it("embeds categories, and gives missing and unseen ones a number of their own", async () => {
    await trainedNet(folder(), { data: table(), label: "y", embed: 3, hidden: [6], epochs: 100 });
    expect(text()).to.include('type: "Embed"').and.to.include("input_dim: 4 num_output: 3");
    const data = writeTable(folder(), "new.csv", [
      ["town", "extra", "x"],
      ["Ulm", "kept", 1],
      ["Rome", "too", 1],
      ["", "", "NA"],
    ]);
    const output = join(folder(), "out.csv");
    await using predictions = await predict({ model: join(folder(), "net"), data });
    await writePredictions(output, predictions);
    expect(predictions.summary()).to.deep.equal({ rows: 3, failed: 0, unseen: { town: 1 } });
    const lines = readFileSync(output, "utf8").trimEnd().split("\n");
    expect(lines[0]).to.equal("town,extra,x,predicted_y");
    expect(lines.slice(1).map((line) => line.split(",").slice(0, 3).join(","))).to.deep.equal([
      "Ulm,kept,1",
      "Rome,too,1",
      ",,NA",
    ]);
    for (const line of lines.slice(1)) expect(Number(line.split(",")[3])).to.be.finite;
    const columns = await explain({ model: join(folder(), "net") });
    expect(columns.reduce((sum, { percentage }) => sum + percentage, 0)).to.be.closeTo(1, 1e-6);
  });

  it("weights classes in the loss, balanced or as given", async () => {
    const rows = ROWS.map(([x], i) => [x, i % 4 === 0 ? "rare" : "usual"]);
    const data = writeTable(folder(), "classes.csv", [["x", "y"], ...rows]);
    await made({ data, heldOut: 0, classWeights: "balanced" });
    expect(text()).to.include("class_weighting: 2 class_weighting: 0.666667");
    const [output, label, value] = await blobs(["output", "label", "loss"]);
    const weights = [2, 0.666667];
    const each = label!.map((k, i) => {
      const [a, b] = [output![2 * i]!, output![2 * i + 1]!];
      return weights[k]! * (Math.log(Math.exp(a) + Math.exp(b)) - (k === 0 ? a : b));
    });
    expect(value![0]).to.be.closeTo(each.reduce((sum, one) => sum + one, 0) / each.length, 1e-4);
    await made({ data, classWeights: "rare=5" });
    expect(text()).to.include("class_weighting: 5 class_weighting: 1");
    const error = await made({ data, classWeights: "rar=5" }).catch((reason: NetrunError) => reason.format());
    expect(error).to.match(/y has no class "rar"[\s\S]*rare, usual/);
  });

  it("has dropout, of inputs too, maxout or tanh, decay and a greatest norm in its texts", async () => {
    await made({
      hidden: [8, 6],
      dropout: [0.5, 0.25],
      inputDropout: 0.1,
      activation: "maxout",
      l1: 0.001,
      maxNorm: 2,
    });
    expect(text())
      .to.include("dropout_ratio: 0.1")
      .and.to.include("dropout_ratio: 0.5")
      .and.to.include("dropout_ratio: 0.25");
    expect(text()).to.include('type: "Maxout"').and.to.include("num_output: 16").and.to.include("max_norm: 2");
    expect(text("solver")).to.include("weight_decay: 0.001").and.to.include('regularization_type: "L1"');
    await blobs(["loss"]);
    await made({ activation: "tanh", l2: 0.01 });
    expect(text()).to.include('type: "TanH"');
    expect(text("solver")).to.include("weight_decay: 0.01").and.not.to.include("L1");
    await made({ l1: 0.001, l2: 0.01 });
    expect(text("solver")).to.include("weight_decay: 0.01\nl1_decay: 0.001");
    const error = await made({ hidden: [8, 6, 4], dropout: [0.5, 0.2] }).catch((reason: NetrunError) =>
      reason.format(),
    );
    expect(error).to.match(/dropout has 2 values for 3 hidden layers/);
  });

  it("scores how unusual rows are: an autoencoder's error", async () => {
    const usual = Array.from({ length: 80 }, (_, i) => [i / 10, (2 * i) / 10 + 1, -i / 10]);
    const data = writeTable(folder(), "usual.csv", [["a", "b", "c"], ...usual]);
    await trainedNet(folder(), { kind: "autoencoder", data, hidden: [2], epochs: 200 });
    const rows = await predictedRows(writeTable(folder(), "odd.csv", [["a", "b", "c"], ...usual, [1, 17, 5]]));
    const errors = rows.map(({ error }) => error!);
    expect(errors.slice(0, -1).every((error) => error < errors.at(-1)! / 4)).to.equal(true);
  });

  describe("predicting", () => {
    it("refuses texts where numbers were, by their line, or skips such rows", async () => {
      await trainedNet(folder(), { data: table(), label: "y", hidden: [4], epochs: 1 });
      const data = writeTable(folder(), "new.csv", [
        ["x", "town"],
        [1, "Ulm"],
        ["one", "Ulm"],
        [2, "Ulm"],
      ]);
      const error = await predictedRows(data).catch((reason: NetrunError) => reason.format());
      expect(error).to.match(/new\.csv: line 3: column "x" has "one"/);
      const rows = await predictedRows(data, { onBadRecord: "skip" });
      expect(rows.map(({ prediction }) => prediction === undefined)).to.deep.equal([false, true, false]);
    });

    it("refuses tables without a column, and models that are not trained", async () => {
      await made({});
      const data = writeTable(folder(), "new.csv", [
        ["xx", "town"],
        [1, "Ulm"],
      ]);
      const untrained = await predictedRows(data).catch((reason: NetrunError) => reason.format());
      expect(untrained).to.match(/has no weights yet[\s\S]*netrun train .*solver\.prototxt/);
      await trainedNet(folder(), { data: table(), label: "y", hidden: [4], epochs: 1, overwrite: true });
      const error = await predictedRows(data).catch((reason: unknown) => (reason as NetrunError).format());
      expect(error).to.match(/new\.csv: there is no column "x", which the net was made for/);
      const none = await predict({ model: folder(), data }).catch((reason: NetrunError) => reason.message);
      expect(none).to.equal("holds no model for tables: there is no preparation.json");
    });
  });
});
