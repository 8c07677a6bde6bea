import { join } from "node:path";
import { expect } from "chai";
import { columnsOf } from "../../lib/data/source/columns.js";
import { detectSource } from "../../lib/data/source/detect.js";
import { openSource } from "../../lib/data/source/open.js";
import { heldOutOf } from "../../lib/data/source/row-parts.js";
import { WHOLE } from "../../lib/data/source/source.js";
import { saveRows } from "../../lib/data/source/table/save.js";
import { freshFolder } from "../support/folder.js";

describe("folds of a source", () => {
  const folder = freshFolder();
  const path = () => join(folder(), "rows.arrow");

  /** The rows of a part, in the order of an epoch. */
  async function rowsOf(options: string, epoch = 0): Promise<readonly number[]> {
    await using source = await openSource(detectSource(`${path()}?${options}`));
    const rows: number[] = [];
    for await (const batch of source.batches(WHOLE, 0, epoch)) {
      const { x } = columnsOf(batch);
      if (x && x.dtype !== "image") rows.push(...x.values);
    }
    expect(rows).to.have.length(source.length);
    return rows;
  }

  const save = (rows: number) =>
    saveRows(
      path(),
      Array.from({ length: rows }, (_, x) => ({ x })),
    );

  it("have every row in one of them, and the others beside", async () => {
    await save(1003);
    const held = await Promise.all([0, 1, 2, 3].map((index) => rowsOf(`folds=4&only=${index}`)));
    expect(held.flat().sort((a, b) => a - b)).to.deep.equal(Array.from({ length: 1003 }, (_, i) => i));
    for (const [index, rows] of held.entries()) {
      expect(rows.length).to.be.within(250, 251);
      const rest = await rowsOf(`folds=4&without=${index}`);
      expect([...rows, ...rest].sort((a, b) => a - b)).to.deep.equal(Array.from({ length: 1003 }, (_, i) => i));
    }
    // Not each fourth row: data in that order would be split by it.
    expect(new Set(held[0]!.map((row) => row % 4)).size).to.equal(4);
  });

  it("are the same rows shuffled, in another order in each epoch", async () => {
    await save(60);
    const [plain, one, two] = [
      await rowsOf("folds=3&only=1"),
      await rowsOf("folds=3&only=1&shuffle=1"),
      await rowsOf("folds=3&only=1&shuffle=1", 1),
    ];
    expect(one).not.to.deep.equal(two);
    for (const rows of [one, two]) expect([...rows].sort((a, b) => a - b)).to.deep.equal(plain);
  });

  it("are refused of fewer rows than folds, and of half an option", async () => {
    await save(3);
    const message = (options: string) =>
      rowsOf(options).then(
        () => "",
        (error: Error) => error.message,
      );
    expect(await message("folds=4&only=0")).to.equal("3 rows do not make 4 folds");
    expect(await message("folds=2")).to.equal("which rows?");
    expect(await message("folds=2&only=0&without=1")).to.equal("which rows?");
    expect(await message("folds=2&only=2")).to.include("only=2");
  });

  it("hold out shares exactly", () => {
    for (const share of [0.1, 0.15, 0.25, 0.5]) {
      const parts = heldOutOf(share, 3);
      const held = Array.from({ length: 400 }, (_, row) => parts.of(row)).filter((part) => part === 1);
      expect(held).to.have.length(share * 400);
    }
  });
});
