import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect } from "chai";
import { columnsOf, type NumberColumn } from "../../lib/data/source/columns.js";
import { detectSource } from "../../lib/data/source/detect.js";
import { idxSource } from "../../lib/data/source/idx.js";
import { WHOLE } from "../../lib/data/source/source.js";
import { failure } from "../support/failure.js";
import { idxHeader } from "../support/idx.js";

/** An IDX file of bytes 0, 1, 2, ... */
function idx(...dims: number[]): Buffer {
  return Buffer.concat([
    idxHeader(...dims),
    Buffer.from(Array.from({ length: dims.reduce((a, b) => a * b) }, (_, i) => i % 256)),
  ]);
}

describe("idx", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "netrun-idx-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const put = (name: string, content: Buffer): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };

  it("reads images and labels, compressed or not", async () => {
    const plain = [put("a", idx(3, 2, 2)), put("b", idx(3))] as const;
    const zipped = [put("c", gzipSync(idx(3, 2, 2))), put("d", gzipSync(idx(3)))] as const;
    for (const [images, labels] of [plain, zipped]) {
      await using source = await idxSource(images, labels);
      expect(source.length).to.equal(3);
      for await (const batch of source.batches(WHOLE, 1)) {
        const { data, label } = columnsOf(batch) as Record<string, NumberColumn>;
        expect(data!.shape).to.deep.equal([1, 2, 2]);
        expect([...data!.values]).to.deep.equal([4, 5, 6, 7, 8, 9, 10, 11]);
        expect([...label!.values]).to.deep.equal([1, 2]);
      }
    }
  });

  it("refuses a cut-off file, another number of labels and another kind of file", async () => {
    const labels = put("labels", idx(3));
    const cut = put("cut", idx(3, 2, 2).subarray(0, 25));
    await failure(idxSource(cut, labels), "the file is cut off: its header promises 12 bytes of values");
    await failure(idxSource(put("cut.gz", gzipSync(idx(3, 2, 2)).subarray(0, 20)), labels), "damaged or cut off");
    await failure(idxSource(put("four", idx(4, 2, 2)), labels), `4 images, but 3 labels in ${labels}`);
    await failure(idxSource(put("text", Buffer.from("hello")), labels), "not an IDX file");
  });

  it("is detected by either file of the pair, or their folder", () => {
    const images = put("t10k-images-idx3-ubyte.gz", gzipSync(idx(1, 2, 2)));
    const labels = put("t10k-labels-idx1-ubyte", idx(1));
    for (const path of [images, labels, folder])
      expect(detectSource(path)).to.deep.equal({ kind: "idx", images, labels });
  });

  it("says which partner is missing", () => {
    const images = put("t10k-images-idx3-ubyte", idx(1, 2, 2));
    expect(() => detectSource(images)).to.throw("its partner is missing");
  });
});
