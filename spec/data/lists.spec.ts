import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { readLog } from "../../lib/runs/plot/logs.js";
import { readHdf5List } from "../../lib/data/source/hdf5-list.js";
import { firstImage, readImageList } from "../../lib/data/source/images/list.js";
import { openSource } from "../../lib/data/source/open.js";
import { readWindowList } from "../../lib/data/source/windows/list.js";
import { NetrunError } from "../../lib/error.js";
import { CSV_HEADER } from "../../lib/train/event-log.js";
import { failure } from "../support/failure.js";
import { freshFolder } from "../support/folder.js";
import { withMaxAlloc } from "../support/limit.js";

describe("list files", () => {
  const folder = freshFolder();
  const put = (text: string): string => {
    const path = join(folder(), "list.txt");
    writeFileSync(path, text);
    return path;
  };

  it("of images have an entry for each line that is not empty, with its number", () => {
    const path = put("\n a b.png 3\r\n \t\r\n\nc.png\t-1");
    const { length, entry } = readImageList(path);
    expect([length, entry(0), entry(1)]).to.deep.equal([
      2,
      { line: 2, name: "a b.png", label: 3 },
      { line: 5, name: "c.png", label: -1 },
    ]);
    expect(firstImage(path)).to.deep.equal(entry(0));
  });

  it("of images have no label that an int does not hold, and no line longer than a path can be", () => {
    const { entry } = readImageList(put(`a.png 4294967297\n${"a".repeat(70_000)} 1\nb.png 2`));
    expect(entry(0).problem).to.equal("the label 4294967297 is larger than 2147483647");
    expect(entry(1).problem).to.equal("a line of 70002 bytes, and at most 65536 are read");
    expect(entry(2).name).to.equal("b.png");
  });

  it("take no more memory than allowed, and say which flag allows more", async () => {
    const path = put("# 0\na.png\n3 4 4\n3\n1 1 0 0 1 1\n1 1 0 0 1 1\n1 1 0 0 1 1\n");
    const flag = "raise the limit: --max-alloc SIZE";
    const refused = async (read: () => unknown, what: string) => {
      await failure((async () => read())(), `${path}: ${what}`);
      await failure((async () => read())(), flag);
    };
    await withMaxAlloc("50", () => refused(() => readImageList(path), "a list of 7 lines would take 56 bytes"));
    await withMaxAlloc("16K", () => refused(() => readHdf5List(path), "a list of 5 HDF5 files or more would take"));
    await withMaxAlloc("300", () =>
      refused(() => readWindowList(path, 0.5, 0.5), "a list of 4 images and windows or more would take 400 bytes"),
    );
    const text = async () => openSource({ kind: "text", path, length: 4, tokens: 10, hash: false });
    await withMaxAlloc("300", () => refused(text, "a vocabulary of 3 tokens or more would take"));
  });

  it("of a training, its logs, have no more series than can be drawn", () => {
    const lines = Array.from({ length: 1001 }, (_, i) => `1,1,test,0,score${i},0.5\n`);
    const path = put(CSV_HEADER + lines.join(""));
    expect(() => readLog(path)).to.throw(NetrunError, "has more than 1000 series, the most that are drawn");
  });

  it("of windows have whole numbers where Caffe reads them", () => {
    const read = (text: string) => () => readWindowList(put(text), 0.5, 0.5);
    expect(read("# 0\na.png\n3 4 4\n1\n1 1 0 0.5 1 1")).to.throw(NetrunError, "line 5: 0.5 where y1 should stand");
    expect(read("# 0\na.png\n3 4 4\n1\n1.5 1 0 0 1 1")).to.throw(NetrunError, "line 5: 1.5 where a class should stand");
    expect(read("# 0\na.png\n1e9 4 4\n0\n")).to.throw(NetrunError, "images of 1000000000 channels");
  });

  it("of texts may have a line as long as a row has tokens for, and none that fills the memory", async () => {
    const path = put(`${"a b ".repeat(1000)}\nc`);
    const read = () => openSource({ kind: "text", path, length: 4, tokens: 10, hash: false });
    await using source = await read();
    expect(source.length).to.equal(2);
    const long = put("x".repeat(17 * 2 ** 20));
    await failure(
      openSource({ kind: "text", path: long, length: 4, tokens: 10, hash: true }),
      "has a line of more than",
    );
  });
});
