import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Dictionary, Float32, Int32, Table, tableToIPC, Utf8, vectorFromArray } from "apache-arrow";
import { expect } from "chai";
import { columnsOf } from "../../lib/data/source/columns.js";
import { detectSource } from "../../lib/data/source/detect.js";
import { openSource } from "../../lib/data/source/open.js";
import { WHOLE } from "../../lib/data/source/source.js";
import { NetrunError } from "../../lib/error.js";
import { explain } from "../../lib/tables/explain.js";
import { newNet } from "../../lib/tables/new-net.js";
import { predict } from "../../lib/tables/predict.js";
import { writePredictions } from "../../lib/tables/write-predictions.js";
import { freshFolder } from "../support/folder.js";
import { root } from "../support/shared.js";
import { trainedNet, writeTable } from "../support/tables.js";

const IRIS = join(root, "examples/iris/iris.csv");

/** The rows of a prepared table: data and label of each. */
async function preparedRows(path: string): Promise<readonly (readonly [readonly number[], number])[]> {
  await using source = await openSource(detectSource(path));
  const rows: (readonly [readonly number[], number])[] = [];
  for await (const batch of source.batches(WHOLE)) {
    const { data, label } = columnsOf(batch);
    if (data?.dtype === "image" || label?.dtype === "image" || !data) throw new Error("no numbers");
    const width = data.shape[0]!;
    for (let i = 0; i < batch.numRows; i++)
      rows.push([[...data.values.slice(i * width, (i + 1) * width)], label ? label.values[i]! : Number.NaN]);
  }
  return rows;
}

/** Text of a call's NetrunError. */
const messageOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "no error",
    (error: unknown) => (error instanceof NetrunError ? error.format() : `another error: ${error}`),
  );

describe("a net for a table", () => {
  const folder = freshFolder();
  const made = (options: object) =>
    newNet({ kind: "mlp", data: IRIS, label: "species", output: join(folder(), "net"), ...options });

  it("is written, trained and asked: Iris from its file to names and probabilities", async () => {
    const { made: net, scores } = await trainedNet(folder(), {
      data: `${IRIS}?label=species`,
      hidden: [16, 16],
      epochs: 200,
    });
    expect([net.rows, net.iterations]).to.deep.equal([120, 750]);
    expect(readdirSync(join(folder(), "net")).sort()).to.include.members([
      ...["deploy.prototxt", "preparation.json", "solver.prototxt", "train_test.prototxt"],
    ]);
    expect(scores.accuracy![0]).to.be.at.least(0.9);
    const model = join(folder(), "net");
    const output = join(folder(), "out.csv");
    await using predictions = await predict({ model, data: IRIS });
    await writePredictions(output, predictions);
    expect(predictions.summary()).to.deep.include({ rows: 150, failed: 0, unseen: {} });
    expect(predictions.summary().accuracy).to.be.above(0.95);
    const [header, first, ...rest] = readFileSync(output, "utf8").trimEnd().split("\n");
    expect(header).to.equal(
      "sepal_length,sepal_width,petal_length,petal_width,species,predicted_species,p_setosa,p_versicolor,p_virginica",
    );
    expect(rest).to.have.length(149);
    const cells = first!.split(",");
    expect(cells.slice(0, 6)).to.deep.equal(["5.1", "3.5", "1.4", "0.2", "setosa", "setosa"]);
    expect(cells.slice(6).reduce((sum, cell) => sum + Number(cell), 0)).to.be.closeTo(1, 1e-5);
    const importances = await explain({ model });
    expect(importances.map(({ column }) => column)).to.have.members([
      "sepal_length",
      "sepal_width",
      "petal_length",
      "petal_width",
    ]);
    // What is known of Iris: petals tell species apart, sepals hardly.
    expect(importances.at(-1)!.column).to.match(/^sepal/);
    expect(importances[0]!.scaled).to.equal(1);
    expect(importances.reduce((sum, { percentage }) => sum + percentage, 0)).to.be.closeTo(1, 1e-6);
  });

  it("has numbers standardised by the rows to train on, missing ones as the mean, and categories one-hot", async () => {
    const rows = [
      ["age", "town", "member", "same", "income"],
      ...[
        [20, "Ulm", true, 1, "low"],
        [40, "Bonn", false, 1, "high"],
        ["NA", "Ulm", true, 1, "high"],
        [60, "", true, 1, "low"],
      ],
    ];
    const data = writeTable(folder(), "people.csv", rows);
    const { preparation } = await made({ data, label: "income", heldOut: 0 });
    expect(preparation!.columns).to.deep.equal([
      { kind: "number", name: "age", mean: 40, deviation: 20 },
      { kind: "category", name: "town", form: "one-hot", categories: ["Bonn", "Ulm"], other: true },
      { kind: "number", name: "member", mean: 0.75, deviation: 0.5 },
      { kind: "skipped", name: "same", why: "constant: all its cells are 1" },
    ]);
    expect(preparation!.label).to.deep.equal({
      kind: "classes",
      name: "income",
      classes: ["high", "low"],
      rows: [2, 2],
    });
    expect(await preparedRows(join(folder(), "net/preparation.json?part=train"))).to.deep.equal([
      [[-1, 0, 1, 0, 0.5], 1],
      [[0, 1, 0, 0, -1.5], 0],
      [[0, 0, 1, 0, 0.5], 0],
      [[1, 0, 0, 1, 0.5], 1],
    ]);
  });

  it("holds out the share of rows that is asked for, others in each of two seeds, and none twice", async () => {
    const rows = Array.from({ length: 100 }, (_, i) => [i, i % 3, i < 50 ? "a" : "b"]);
    const data = writeTable(folder(), "rows.csv", [["n", "m", "c"], ...rows]);
    const held = async (seed: number, part: string) => {
      const output = join(folder(), `seed-${seed}-${part}`);
      const { preparation } = await made({ data, label: "c", heldOut: 0.3, seed, output });
      const column = preparation!.columns[0]!;
      if (column.kind !== "number") throw new Error("n is a number");
      const found = await preparedRows(join(output, `preparation.json?part=${part}`));
      return found.map(([[n]]) => Math.round(n! * column.deviation + column.mean) + 0);
    };
    const [test, train] = [await held(1, "test"), await held(1, "train")];
    expect([test.length, train.length]).to.deep.equal([30, 70]);
    expect([...test, ...train].sort((a, b) => a - b)).to.deep.equal(rows.map(([n]) => n));
    expect(await held(2, "test")).not.to.deep.equal(test);
  });

  it("is the same for the cells of an Arrow file, dictionaries, times and missing cells among them", async () => {
    const table = new Table({
      weight: vectorFromArray([1.1, null, 3.3, 4.4, 5.5, 6.6], new Float32()),
      count: vectorFromArray([1n, 2n, 3n, 5n, 4n, 7n]),
      colour: vectorFromArray(["red", "blue", null, "red", "red", "blue"], new Dictionary(new Utf8(), new Int32())),
      since: vectorFromArray([0, 1, 0, 1, 1, 0].map((day) => new Date(86_400_000 * day))),
      kind: vectorFromArray(["b", "a", "a", "b", "b", "a"]),
    });
    const [arrow, csv] = [join(folder(), "rows.arrow"), join(folder(), "rows.csv")];
    writeFileSync(arrow, tableToIPC(table, "file"));
    const lines = ["1.1,1,red,0,b", ",2,blue,1,a", "3.3,3,,0,a", "4.4,5,red,1,b", "5.5,4,red,1,b", "6.6,7,blue,0,a"];
    const day = (text: string) =>
      text.replace(/,([01]),(?=[ab]$)/, (_, n) => `,1970-01-0${Number(n) + 1}T00:00:00.000Z,`);
    writeFileSync(csv, `weight,count,colour,since,kind\n${lines.map(day).join("\n")}\n`);
    const options = { label: "kind", heldOut: 0, hidden: [2], epochs: 1 };
    const nets = [];
    for (const data of [arrow, csv]) nets.push(await made({ ...options, data, output: `${data}-net` }));
    const { table: _, ...prepared } = nets[0]!.preparation!;
    expect({ ...prepared, table: nets[1]!.preparation!.table }).to.deep.equal(nets[1]!.preparation);
    expect(await preparedRows(`${arrow}-net/preparation.json`)).to.deep.equal(
      await preparedRows(`${csv}-net/preparation.json`),
    );
    writeFileSync(arrow, tableToIPC(new Table({ a: vectorFromArray([[1], [2]]), kind: vectorFromArray(["b", "a"]) })));
    expect(await messageOf(made({ ...options, data: arrow, overwrite: true }))).to.match(
      /rows\.arrow: column "a" holds List<.*>, and cells of a table are/,
    );
  });

  it("is made anew for each fold of a cross-validation, of the rows outside of it alone", async () => {
    // Each row has a category of its own with one other, and one number that is far out.
    const rows = Array.from({ length: 12 }, (_, i) => [
      i === 4 ? 1000 : i,
      `c${i % 6}`,
      i === 7 ? "rare" : "usual",
      i % 2,
    ]);
    const data = writeTable(folder(), "folds.csv", [["size", "kind", "how", "y"], ...rows]);
    await made({ data, label: "y", loss: "euclidean", heldOut: 0, hidden: [2], epochs: 1 });
    const part = (options: string) => preparedRows(join(folder(), `net/preparation.json?part=train&${options}`));
    const whole = await part("shuffle=1");
    for (const index of [0, 1, 2]) {
      const [held, rest] = [await part(`folds=3&only=${index}`), await part(`folds=3&without=${index}`)];
      const sizes = rest.map(([[size]]) => size!);
      const mean = sizes.reduce((sum, size) => sum + size, 0) / 8;
      expect(mean).to.be.closeTo(0, 1e-5);
      expect(sizes.reduce((sum, size) => sum + size * size, 0) / 7).to.be.closeTo(1, 1e-5);
      const [isOut, isRare] = [held.some(([[size]]) => size! > 50), !rest.some(([inputs]) => inputs[7] === 1)];
      // The fold with the far number is not scaled by it, and the rare category is unseen where it is held.
      expect(held.some(([inputs]) => inputs[7] === 1)).to.equal(false);
      expect([isOut, isRare]).to.deep.equal([
        sizes.every((size) => size < 2),
        held.some(([inputs]) => inputs[7] === 0 && inputs[8] === 0),
      ]);
      for (const [, label] of [...held, ...rest]) expect(whole.map(([, each]) => each)).to.include(label);
    }
  });

  it("moves with its table: paths in it are from its folder on", async () => {
    await made({});
    const text = readFileSync(join(folder(), "net/preparation.json"), "utf8");
    expect(text).not.to.include(folder());
    expect(text).not.to.include(`"${root}`);
    expect(JSON.parse(text).table.path).to.match(/^\.\..*iris\.csv$/);
  });

  describe("refuses, with a place and a way out,", () => {
    const table = (...rows: (readonly unknown[])[]) => writeTable(folder(), "t.csv", rows);
    const refused = (data: string, options: object = {}) => messageOf(made({ data, label: "y", ...options }));

    it("tables without rows", async () => {
      expect(await refused(writeTable(folder(), "empty.csv", []))).to.match(/empty\.csv: the file has no rows/);
      expect(await refused(table(["x", "y"]))).to.match(/t\.csv: the file has no rows to train on/);
    });

    it("a label that is not there, is empty, or always the same", async () => {
      const data = table(["x", "species"], [1, "a"], [2, "b"]);
      expect(await refused(data, { label: "speces" })).to.match(
        /there is no column "speces"[\s\S]*did you mean "species"\?/,
      );
      expect(await refused(table(["x", "y"], [1, ""], [2, ""]))).to.match(/no rows to train on/);
      expect(await refused(table(["x", "y"], [1, "a"], [2, "a"]))).to.match(/"y", the label, is constant/);
      expect(await refused(table(["x", "y"], [1, 5], [2, 5]))).to.match(/"y", the label, is constant/);
      expect(await messageOf(made({ label: undefined }))).to.match(
        /which column is to be predicted\?[\s\S]*--label NAME/,
      );
    });

    it("texts among numbers, and numbers that are not finite, by their line", async () => {
      const data = table(["x", "y"], [1, "a"], [2, "b"], ["three", "a"]);
      expect(await refused(data)).to.match(
        /t\.csv: line 4: column "x" has "three", where most of its cells are numbers/,
      );
      expect(await refused(table(["x", "y"], [1, "a"], ["Infinity", "b"]))).to.match(/line 3: column "x" has Infinity/);
    });

    it("rows of another length, by their line", async () => {
      expect(await refused(table(["x", "y"], [1, "a"], [2]))).to.match(/line 3: 1 cells, where the first row has 2/);
    });

    it("columns of names that are all different", async () => {
      const rows = Array.from({ length: 1200 }, (_, i) => [`name ${i}`, i % 2 ? "a" : "b"]);
      expect(await refused(table(["x", "y"], ...rows))).to.match(
        /"x" has 1200 categories, more than 1000[\s\S]*--ignore x/,
      );
      const many = Array.from({ length: 20_000 }, (_, i) => [`name ${i}`, i % 2 ? "a" : "b"]);
      expect(await refused(table(["x", "y"], ...many))).to.match(/over 10000 categories/);
      expect(
        await refused(table(["x", "z", "y"], ...rows.map(([x, y], i) => [x, i, y])), { ignore: ["x", "z"] }),
      ).to.match(/no column is left to predict by/);
    });

    it("files that are there, options that change nothing, and data that is no table", async () => {
      await made({});
      expect(await messageOf(made({}))).to.match(/preparation\.json: is there already[\s\S]*--overwrite/);
      await made({ overwrite: true });
      expect(await messageOf(made({ overwrite: true, quantile: 0.9 }))).to.match(/quantile has no effect/);
      expect(await messageOf(made({ overwrite: true, embed: "auto" }))).to.match(
        /embed has no effect: no column holds/,
      );
      expect(await messageOf(made({ overwrite: true, loss: "huber" }))).to.match(
        /"species" holds names, and this loss/,
      );
      expect(await messageOf(made({ overwrite: true, data: "netrun:digits/train" }))).to.match(/is no table/);
      expect(existsSync(join(folder(), "net/solver.prototxt"))).to.equal(true);
    });
  });
});
