import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import sharp from "sharp";
import { type ExtractOptions, extract } from "../../lib/index.js";
import { failure } from "../support/failure.js";
import { freshFolder } from "../support/folder.js";

const MODEL = `
  layer { name: "in" type: "Input" top: "a" top: "b" input_param { shape { dim: 4 } shape { dim: 4 } } }
  layer { name: "sum" type: "Eltwise" bottom: "a" bottom: "b" top: "sum" }`;

describe("extract", () => {
  const folder = freshFolder();

  /** A CSV file of rows [i, i + 0.5]. */
  function rows(count: number): string {
    const path = join(folder(), `${count}.csv`);
    const lines = Array.from({ length: count }, (_, i) => `${i},${i + 0.5}`);
    writeFileSync(path, `a,b\n${lines.join("\n")}\n`);
    return path;
  }
  async function sums(options: Partial<ExtractOptions> & { readonly data: string }) {
    const all: number[] = [];
    const lengths: number[] = [];
    for await (const { first, length, blobs } of extract({ model: MODEL, blobs: ["sum"], ...options })) {
      expect(first).to.equal(all.length);
      lengths.push(length);
      all.push(...blobs["sum"]!.data);
    }
    return { all, lengths };
  }
  async function drain(options: ExtractOptions): Promise<void> {
    for await (const _ of extract(options));
  }
  const expected = (count: number) => Array.from({ length: count }, (_, i) => 2 * i + 0.5);

  for (const workers of [undefined, 1, 2, 3]) {
    it(`gives every row once, in the data's order (${workers ?? "no"} workers)`, async () => {
      const { all, lengths } = await sums({ data: rows(22), workers });
      expect(all).to.deep.equal(expected(22));
      expect(lengths).to.deep.equal([4, 4, 4, 4, 4, 2]);
    });
  }

  it("takes more workers than there are rows", async () => {
    expect((await sums({ data: rows(3), workers: 8 })).all).to.deep.equal(expected(3));
  });

  it("starts the data over where more batches are asked for than it has", async () => {
    const { all } = await sums({ data: rows(6), workers: 2, iterations: 3 });
    expect(all).to.deep.equal([...expected(6), ...expected(6)]);
  });

  it("names the record that is wrong, with workers as without", async () => {
    const png = await sharp({ create: { width: 2, height: 2, channels: 3, background: "#102030" } })
      .png()
      .toBuffer();
    const names = Array.from({ length: 22 }, (_, i) => join(folder(), `${i}.png`));
    for (const [i, name] of names.entries()) writeFileSync(name, i === 17 ? png.subarray(0, 20) : png);
    const list = join(folder(), "list.txt");
    writeFileSync(list, names.map((name) => `${name} 0\n`).join(""));
    const model = `layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 4 dim: 3 dim: 2 dim: 2 } } }`;
    const options = { data: list, model, blobs: ["data"] };
    for (const workers of [undefined, 2]) await failure(drain({ ...options, workers }), "17.png");
    await failure(
      drain({ ...options, workers: 2, onBadRecord: "skip" }),
      "use one worker, or let a bad record end the run",
    );
  });

  it("returns no row twice when bad rows are skipped, at the end too", async () => {
    const path = join(folder(), "bad.csv");
    for (const bad of [[1], [9], [0, 3, 8, 9], [2, 3, 4, 5]]) {
      const lines = Array.from({ length: 10 }, (_, i) => (bad.includes(i) ? "x,1" : `${i},${i + 0.5}`));
      writeFileSync(path, `a,b\n${lines.join("\n")}\n`);
      const { all } = await sums({ data: path, onBadRecord: "skip" });
      expect(all).to.deep.equal(expected(10).filter((_, i) => !bad.includes(i)));
    }
  });

  it("draws the same random numbers for a batch, whichever replica runs it", async () => {
    const model = `${MODEL}
      layer { name: "n" type: "DummyData" top: "n" dummy_data_param { shape { dim: 4 } data_filler { type: "gaussian" } } }
      layer { name: "noise" type: "Eltwise" bottom: "sum" bottom: "n" top: "noise" }`;
    const options = { data: rows(22), model, blobs: ["noise"] };
    const seen: number[][] = [[], []];
    for (const [i, workers] of [undefined, 3].entries()) {
      for await (const { blobs } of extract({ ...options, workers })) seen[i]!.push(...blobs["noise"]!.data);
    }
    expect(seen[1]).to.deep.equal(seen[0]);
    expect(seen[0]).to.not.deep.equal(expected(22));
  });

  it("refuses nets whose batches depend on each other", async () => {
    const model = `${MODEL}
      layer { name: "out" type: "HDF5Output" bottom: "sum" bottom: "a" hdf5_output_param { file_name: "${join(folder(), "o.h5")}" } }`;
    await failure(
      sums({ data: rows(22), workers: 2, model }),
      "a net that writes files cannot be divided among workers",
    );
  });
});
