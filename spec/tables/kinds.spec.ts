import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { Net } from "../../lib/api/net.js";
import { saveRows } from "../../lib/data/source/table/save.js";
import { NetrunError } from "../../lib/error.js";
import { newestWeights } from "../../lib/tables/model-folder.js";
import { type NewNetOptions, newNet } from "../../lib/tables/new-net.js";
import { predict } from "../../lib/tables/predict.js";
import type { PredictedRow } from "../../lib/tables/predictions.js";
import { freshFolder } from "../support/folder.js";
import { trainToEnd } from "../support/tables.js";

describe("a net for images, arrays or texts", () => {
  const folder = freshFolder();
  const output = () => join(folder(), "net");

  /** Images [channels, side, side] of three classes. */
  async function images(channels: number, side: number): Promise<string> {
    const path = join(folder(), "images.arrow");
    const rows = Array.from({ length: 40 }, (_, i) => ({
      label: i % 3,
      data: { shape: [channels, side, side], data: new Uint8Array(channels * side * side).fill(80 * (i % 3)) },
    }));
    await saveRows(path, rows as never);
    return path;
  }
  const made = (options: Partial<NewNetOptions>) =>
    newNet({ kind: "lenet", output: output(), batchSize: 8, epochs: 0.5, overwrite: true, ...options });
  const messageOf = (options: Partial<NewNetOptions>) =>
    made(options).then(
      () => "no error",
      (error: NetrunError) => error.format(),
    );

  /** Trains the net that was written, and computes a row with the deploy net's random weights. */
  async function works(shape: readonly number[], outputs: number): Promise<void> {
    const scores = await trainToEnd(join(output(), "solver.prototxt"));
    expect(scores.loss![0]).to.be.finite;
    await using net = await Net.load(join(output(), "deploy.prototxt"));
    const data = new Float32Array(shape.reduce((product, dim) => product * dim, 1));
    const name = net.outputs.at(-1)!;
    const given = await net.forward({ data: { shape: [1, ...shape], data } }, { blobs: [name] });
    expect(given[name]!.data).to.have.length(outputs);
  }

  for (const [kind, channels, side, outputs] of [
    ["lenet", 1, 16, 3],
    ["cifar", 3, 8, 3],
    ["dbn", 1, 4, 3],
    ["autoencoder", 1, 4, 16],
  ] as const)
    it(`trains as it is written: ${kind}`, async () => {
      const data = await images(channels, side);
      const { rows, preparation } = await made({ kind, data, hidden: [6] });
      expect([rows, preparation]).to.deep.equal([32, undefined]);
      await works([channels, side, side], outputs);
    });

  it("trains as it is written: lstm, with classes of texts", async () => {
    const data = join(folder(), "texts.txt");
    writeFileSync(
      data,
      Array.from({ length: 40 }, (_, i) => `${i % 2 ? "good\tfine and nice" : "bad\tpoor"}\n`).join(""),
    );
    await made({ kind: "lstm", data: `${data}?length=4&tokens=20`, hidden: [5] });
    await works([4], 2);
  });

  it("has the words and classes of the training for other texts: to test on, and to predict", async () => {
    const [data, testData, unlabelled] = ["texts.txt", "tests.txt", "new.txt"].map((name) => join(folder(), name)) as [
      string,
      string,
      string,
    ];
    writeFileSync(
      data,
      Array.from({ length: 40 }, (_, i) => (i % 2 ? "good\tfine and nice\n" : "bad\tpoor\n")).join(""),
    );
    // Alone, these would have other numbers: "poor" that of "and", and "good" that of "bad".
    writeFileSync(testData, "good\tnice and nice\ngood\tfine\n");
    writeFileSync(unlabelled, "poor poor\nfine and fine\n");
    const options = { kind: "lstm", data: `${data}?length=4&tokens=20`, testData, hidden: [5], epochs: 60 } as const;
    await made(options);
    const { accuracy } = await trainToEnd(join(output(), "solver.prototxt"));
    expect(accuracy![0]).to.equal(1);
    const rowsOf = async (path: string) => {
      await using predictions = await predict({ model: output(), data: path });
      const rows: (readonly (string | number | undefined)[])[] = [];
      for await (const { cells, prediction } of predictions) rows.push([...cells, prediction]);
      return { rows, added: predictions.added, summary: predictions.summary() };
    };
    expect(await rowsOf(unlabelled)).to.deep.equal({
      rows: [
        ["0", "bad"],
        ["1", "good"],
      ],
      added: ["predicted_label", "p_bad", "p_good"],
      summary: { rows: 2, failed: 0, unseen: {} },
    });
    expect(await rowsOf(testData)).to.deep.include({
      rows: [
        ["0", "good", "good"],
        ["1", "good", "good"],
      ],
      summary: { rows: 2, failed: 0, unseen: {}, accuracy: 1 },
    });
    writeFileSync(testData, "ugly\tpoor\n");
    const failed = await rowsOf(testData).catch((error: NetrunError) => error.format());
    expect(failed).to.match(/tests\.txt: line 1: class "ugly" is none of the vocabulary's[\s\S]*bad, good/);
  });

  it("is for netrun's digits where no data is named", async () => {
    await made({ kind: "lenet" });
    const text = readFileSync(join(output(), "train_test.prototxt"), "utf8");
    expect(text).to.include('source: "netrun:digits/train?shuffle=1"').and.to.include('source: "netrun:digits/test"');
    expect(text).to.include("num_output: 10");
  });

  it("scores how unusual images are, and tells classes", async () => {
    const data = await images(1, 4);
    const rowsOf = async (model: string, options = {}) => {
      await using predictions = await predict({ model, data, ...options });
      const rows: PredictedRow[] = [];
      for await (const row of predictions) rows.push(row);
      return { rows, columns: [...predictions.columns, ...predictions.added], summary: predictions.summary() };
    };
    await made({ kind: "autoencoder", data, hidden: [6], heldOut: 0 });
    await trainToEnd(join(output(), "solver.prototxt"));
    const { rows, columns } = await rowsOf(output(), { batchSize: 7 });
    expect(columns).to.deep.equal(["row", "reconstruction_error"]);
    expect(rows.map(({ cells }) => cells[0])).to.deep.equal(Array.from({ length: 40 }, (_, i) => String(i)));
    const net = join(output(), "deploy.prototxt");
    await using deploy = await Net.load(net, { weights: newestWeights(output()) });
    for (const { cells, error } of rows) {
      const inputs = new Float32Array(16).fill((80 * (Number(cells[0]) % 3)) / 256);
      const { output: given } = await deploy.forward({ data: { shape: [1, 1, 4, 4], data: inputs } });
      const squares = given!.data.reduce((sum, value, i) => sum + (value - inputs[i]!) ** 2, 0);
      expect(error).to.be.closeTo(squares / 16, 1e-6);
    }

    const model = join(folder(), "classes");
    await made({ kind: "dbn", data, hidden: [6], output: model });
    await trainToEnd(join(model, "solver.prototxt"));
    const classes = await rowsOf(model);
    expect(classes.columns).to.deep.equal(["row", "label", "predicted_label", "p_0", "p_1", "p_2"]);
    const right = classes.rows.filter(({ cells, prediction }) => cells[1] === prediction).length;
    expect(classes.summary.accuracy).to.equal(right / 40);
    for (const { probabilities } of classes.rows)
      expect(probabilities!.reduce((sum, each) => sum + each, 0)).to.be.closeTo(1, 1e-6);
  });

  it("is refused for data that it cannot take", async () => {
    const data = await images(1, 4);
    expect(await messageOf({ kind: "lenet", data })).to.match(/rows of \[1,4,4\], and lenet takes .* of 16x16 or more/);
    expect(await messageOf({ kind: "lstm", data })).to.include("holds no texts");
    expect(await messageOf({ kind: "lstm" })).to.include("which texts?");
    expect(await messageOf({ kind: "mlp" })).to.include("which table?");
    expect(await messageOf({ kind: "lenet", data, dropout: [0.5] })).to.include(
      "dropout has no effect: it is for tables",
    );
    const bare = join(folder(), "bare.arrow");
    await saveRows(
      bare,
      Array.from({ length: 4 }, () => ({ data: [1, 2] })),
    );
    expect(await messageOf({ kind: "dbn", data: bare })).to.include("has no label to predict");
    const one = join(folder(), "one.arrow");
    await saveRows(
      one,
      Array.from({ length: 4 }, () => ({ data: [1, 2], label: 0 })),
    );
    expect(await messageOf({ kind: "dbn", data: one })).to.include("one class alone");
    expect(await made({}).catch((error: unknown) => error)).not.to.be.instanceOf(NetrunError);
  });
});
