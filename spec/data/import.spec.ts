import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import sharp from "sharp";
import { create, encode } from "../../lib/caffe/message.js";
import { importSource } from "../../lib/data/import/import.js";
import { columnsOf, type NumberColumn } from "../../lib/data/source/columns.js";
import { detectSource } from "../../lib/data/source/detect.js";
import { openSource } from "../../lib/data/source/open.js";
import { WHOLE } from "../../lib/data/source/source.js";
import { cacheIn } from "../support/cache.js";
import { failure } from "../support/failure.js";
import { freshFolder } from "../support/folder.js";
import { writeLmdb } from "../support/write-lmdb.js";

/** A number that no process has: the system's end below it. */
const NOBODY = 4_194_304;

describe("importing", () => {
  const folder = freshFolder();
  cacheIn(folder);

  /** An LMDB of `n` images [1, 1, 2] whose pixels and label are their number. */
  const numbers = (n: number): string => {
    const path = join(folder(), "numbers.mdb");
    const datum = (i: number) => ({ channels: 1, height: 1, width: 2, data: Uint8Array.of(i, i), label: i });
    const record = (i: number) => [String(i).padStart(8, "0"), encode(create("Datum", datum(i)))] as const;
    writeLmdb(
      path,
      Array.from({ length: n }, (_, i) => record(i)),
    );
    return path;
  };
  const read = async (path: string, field: string): Promise<number[]> => {
    await using source = await openSource(detectSource(path));
    const values: number[] = [];
    for await (const batch of source.batches(WHOLE)) values.push(...(columnsOf(batch)[field] as NumberColumn).values);
    return values;
  };
  const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

  it("copies a source to one Arrow file", async () => {
    const out = join(folder(), "out.arrow");
    const seen: number[] = [];
    const progress = (rows: number): void => void seen.push(rows);
    expect(await importSource(detectSource(numbers(50)), out, { progress })).to.deep.equal({
      rows: 50,
      files: [out],
      kept: 0,
    });
    expect(await read(out, "label")).to.deep.equal(range(50));
    expect(seen.at(-1)).to.equal(50);
  });

  it("shuffles rows whole, in another order for another seed", async () => {
    const source = detectSource(numbers(200));
    const orders = [];
    for (const shuffle of [1, 2, 1]) {
      const out = join(folder(), `out${orders.length}.arrow`);
      await importSource(source, out, { shuffle });
      const labels = await read(out, "label");
      expect(await read(out, "data")).to.deep.equal(labels.flatMap((label) => [label, label]));
      expect([...labels].sort((a, b) => a - b)).to.deep.equal(range(200));
      orders.push(labels);
    }
    expect(orders[0]).to.not.deep.equal(orders[1]);
    expect(orders[0]).to.deep.equal(orders[2]);
  });

  it("writes parts that are a source together, and keeps whole ones when it is run again", async () => {
    const source = detectSource(numbers(25));
    const out = join(folder(), "parts");
    const { files } = await importSource(source, out, { rowsPerFile: 10 });
    expect(readdirSync(out).sort()).to.deep.equal(["import.json", ...files.map((file) => file.slice(out.length + 1))]);
    expect(await read(out, "label")).to.deep.equal(range(25));
    rmSync(files[1]!);
    const { ino } = statSync(files[0]!);
    expect((await importSource(source, out, { rowsPerFile: 10 })).kept).to.equal(2);
    expect(statSync(files[0]!).ino).to.equal(ino);
    expect(await read(out, "label")).to.deep.equal(range(25));
    await failure(importSource(source, out, { rowsPerFile: 5 }), "an import of other data or with other settings");
  });

  it("decodes and resizes images, and names one that does not decode", async () => {
    const list = join(folder(), "list.txt");
    for (const [name, width] of [
      ["a.png", 2],
      ["b.png", 4],
    ] as const)
      await sharp({ create: { width, height: 2, channels: 3, background: "#102030" } }).toFile(join(folder(), name));
    writeFileSync(list, "a.png 0\nb.png 1\n");
    const out = join(folder(), "out.arrow");
    await importSource(detectSource(list), out, { images: { colour: "color", size: { width: 1, height: 2 } } });
    expect(await read(out, "data")).to.deep.equal([48, 48, 32, 32, 16, 16, 48, 48, 32, 32, 16, 16]);
    await failure(
      importSource(detectSource(list), out, { images: { colour: "color" } }),
      'row 1 has "data" of FixedSizeList[24]<Uint8> [3,2,4], the rows before it "data" of FixedSizeList[12]<Uint8> [3,2,2]',
    );
    writeFileSync(join(folder(), "b.png"), "no image");
    const images = { colour: "color" } as const;
    await failure(
      importSource(detectSource(list), out, { images }),
      `${list}:2: ${folder()}/b.png: the image does not decode`,
    );
    expect(await importSource(detectSource(list), out, { images, onBadRecord: "skip" })).to.deep.include({
      rows: 1,
      skipped: 1,
    });
    expect(await read(out, "label")).to.deep.equal([0]);
  });

  it("leaves rows out that a table notes as failed, on request", async () => {
    const table = join(folder(), "table.csv");
    writeFileSync(table, "x,y\n1,1\n2,\n3,3\n4,4\n");
    const out = join(folder(), "out");
    await failure(importSource(detectSource(table), out), `${table}: line 3: column "y" has a missing value`);
    const options = { onBadRecord: "skip", rowsPerFile: 2 } as const;
    expect(await importSource(detectSource(table), out, options)).to.deep.include({ rows: 3, skipped: 1 });
    expect(await read(out, "x")).to.deep.equal([1, 3, 4]);
    expect((await importSource(detectSource(table), out, options)).kept).to.equal(2);
  });

  it("removes what a killed import left beside its output", async () => {
    const source = detectSource(numbers(20));
    const out = join(folder(), "out.arrow");
    mkdirSync(`${out}.shuffle.${NOBODY}.tmp`);
    writeFileSync(join(`${out}.shuffle.${NOBODY}.tmp`, "7.arrow"), "half");
    writeFileSync(`${out}.${NOBODY}.0.tmp`, "half");
    await importSource(source, out, { shuffle: 1 });
    await importSource(source, join(folder(), "parts"), { shuffle: 1, rowsPerFile: 15 });
    expect(readdirSync(folder()).sort()).to.deep.equal(["numbers.mdb", "out.arrow", "parts"]);
    expect(readdirSync(join(folder(), "parts")).sort()).to.deep.equal([
      "import.json",
      "part-00000.arrow",
      "part-00001.arrow",
    ]);
  });

  it("shuffled, twice at once to one place, is as if once, with no file of the other's deleted", async () => {
    const source = detectSource(numbers(2000));
    const script = `
      import { importSource } from ${JSON.stringify(new URL("../../lib/data/import/import.js", import.meta.url))};
      const [source, out] = JSON.parse(process.argv[1]);
      for (let i = 0; i < 5; i++) await importSource(source, out, { shuffle: 3 });`;
    const out = join(folder(), "out.arrow");
    const args = ["--input-type=module", "-e", script, JSON.stringify([source, out])];
    const other = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
    const over = once(other, "exit");
    for (let i = 0; other.exitCode === null && i < 500; i++) {
      await importSource(source, out, { shuffle: 3 });
      expect((await read(out, "label")).sort((a, b) => a - b)).to.deep.equal(range(2000));
    }
    expect(await over).to.deep.equal([0, null]);
    expect(readdirSync(folder()).sort()).to.deep.equal(["numbers.mdb", "out.arrow"]);
  });

  it("into a folder that cannot be made is an error that names it", async () => {
    const out = join(numbers(3), "parts");
    const source = { kind: "digits", part: "test" } as const;
    await failure(importSource(source, out, { rowsPerFile: 9000 }), `${out}: cannot make the folder: ENOTDIR`);
    await failure(importSource(source, `${out}.arrow`, { shuffle: 1 }), `${out}.arrow: cannot write the file: EEXIST`);
  });

  it("takes up an import that was killed in the middle of a part", async () => {
    const out = join(folder(), "parts");
    mkdirSync(out);
    writeFileSync(join(out, "part-00000.arrow.4194304.0.tmp"), "half");
    await importSource(detectSource(numbers(5)), out, { rowsPerFile: 2 });
    expect(readdirSync(out)).to.have.length(4);
    expect(await read(out, "label")).to.deep.equal(range(5));
  });
});
