import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Field, Int16, List, Table, tableToIPC, vectorFromArray } from "apache-arrow";
import { expect } from "chai";
import { parquetWriteFile } from "hyparquet-writer";
import { type Feed, openFeed, sourceFeedSpec } from "../../lib/data/feed/feed.js";
import { detectSource } from "../../lib/data/source/detect.js";
import { cacheIn } from "../support/cache.js";
import { failure } from "../support/failure.js";
import { take } from "../support/feed.js";
import { freshFolder } from "../support/folder.js";

/** Opens a feed of one field with batches of one row. */
function open(name: string, field: string, onBadRecord: "fail" | "skip"): Promise<Feed> {
  return openFeed(sourceFeedSpec(detectSource(name), [field], 1, { phase: "TEST", seed: 1, onBadRecord }));
}

describe("records that cannot be used", () => {
  const folder = freshFolder();
  cacheIn(folder);
  const put = (name: string, content: string | Uint8Array): string => {
    writeFileSync(join(folder(), name), content);
    return join(folder(), name);
  };

  describe("in a CSV file", () => {
    const CASES = [
      ["a cell that is no number", "x,y\n1,1\n2,one\n3,3\n", 'line 3: column "y" has the text "one"'],
      ["a missing value", "x,y\n1,1\n,2\n3,3\n", 'line 3: column "x" has a missing value'],
      ["NaN", "x,y\n1,1\nNaN,2\n3,3\n", 'line 3: column "x" has a missing value'],
      ["a row that is shorter", "x,y\n1,1\n2\n3,3\n", "line 3: 1 cells, where the first row has 2"],
      ["a row that is longer", "x,y\n1,1\n2,2,2\n3,3\n", "line 3: 3 cells, where the first row has 2"],
    ] as const;
    for (const [name, content, why] of CASES) {
      it(`with ${name} fail before the first batch, with file and line`, async () => {
        const path = put("table.csv", content);
        await failure(open(path, "x", "fail"), `${path}: ${why}`);
      });

      it(`with ${name} are counted, reported and skipped on request`, async () => {
        const path = put("table.csv", content);
        await using feed = await open(path, "x", "skip");
        expect(await take(feed, "x", 4)).to.deep.equal([1, 3, 1, 3]);
        expect(feed.skipped.count).to.be.at.least(1);
        expect(feed.skipped.last).to.equal(`${path}: ${why}`);
      });
    }

    it("are those with an infinite number, too", async () => {
      const path = put("table.csv", "x,y\n1,1\n-1e400,2\n3,3\n");
      await using feed = await open(path, "x", "fail");
      await failure(feed.check(), `${path}: line 3: -Infinity in "x"`);
      await feed.next();
      await failure(feed.next(), `${path}: line 3: -Infinity in "x"`);
    });

    it("are as many as there are, in one message", async () => {
      const path = put("table.csv", "x\n1\na\nb\n2\n3\n");
      await failure(open(path, "x", "fail"), "note: 2 records cannot be used");
    });
  });

  describe("in a Parquet file", () => {
    const CASES = [
      ["a missing value", [1, null, 3], 'row 1: column "x" has a missing value'],
      ["a list of another length", [[1, 2], [3], [4, 5]], 'row 1: column "x" has 1 values'],
    ] as const;
    const write = (data: readonly unknown[]): string => {
      const filename = join(folder(), "table.parquet");
      parquetWriteFile({ filename, columnData: [{ name: "x", data: [...data] }] });
      return filename;
    };
    for (const [name, data, why] of CASES) {
      it(`with ${name} fail with file and row`, async () => {
        const path = write(data);
        await using feed = await open(path, "x", "fail");
        await feed.next();
        await failure(feed.next(), `${path}: ${why}`);
      });

      it(`with ${name} are counted, reported and skipped on request`, async () => {
        const path = write(data);
        await using feed = await open(path, "x", "skip");
        const values = await take(feed, "x", 2 * [data[0]].flat().length);
        expect(values).to.deep.equal([data[0], data[2]].flat());
        expect(feed.skipped).to.deep.equal({ count: 1, last: `${path}: ${why}` });
      });
    }

    it("with a missing value have the value of missing ones where that is given", async () => {
      await using feed = await open(`${write([1, null, 3])}?missing=-1`, "x", "fail");
      expect(await take(feed, "x", 3)).to.deep.equal([1, -1, 3]);
    });

    it("do not decide what a column is by a missing first value", async () => {
      await using feed = await open(write([null, 2]), "x", "skip");
      expect(await take(feed, "x", 1)).to.deep.equal([2]);
    });
  });

  it("in an Arrow file of another program are skipped on request", async () => {
    const type = new List(new Field("item", new Int16()));
    const lists = new Table({ x: vectorFromArray([[1, 2], [3], [4, 5]], type) });
    await using feed = await open(put("lists.arrow", tableToIPC(lists, "file")), "x", "skip");
    expect(await take(feed, "x", 4)).to.deep.equal([1, 2, 4, 5]);
    expect(feed.skipped.last).to.include('row 1: column "x" has 1 values');
  });

  it("in a text file are lines without the class that others have", async () => {
    const path = put("mails.txt", "spam\tbuy\nhello\nham\thi\n");
    await failure(open(path, "label", "fail"), `${path}: line 2: no class before a tab`);
    await using feed = await open(path, "label", "skip");
    expect(await take(feed, "label", 2)).to.deep.equal([1, 0]);
  });

  it("in a list of images are lines without a label", async () => {
    put("a.png", "");
    const path = put("list.txt", "a.png 0\na.png\n");
    await using feed = await open(path, "label", "skip");
    expect(await take(feed, "label", 1)).to.deep.equal([0]);
  });
});
