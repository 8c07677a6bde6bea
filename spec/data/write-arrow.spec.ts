import { readFileSync } from "node:fs";
import { join } from "node:path";
import { tableFromIPC } from "apache-arrow";
import { expect } from "chai";
import { writeArrow } from "../../lib/data/source/arrow/write.js";
import { recordBatch } from "../../lib/data/source/columns.js";
import { freshFolder } from "../support/folder.js";

describe("writing Arrow files", () => {
  const folder = freshFolder();

  it("has a batch in the file before the next one is asked for, so that its memory can be used again", async () => {
    const path = join(folder(), "reused.arrow");
    let values = new Float32Array(4);
    async function* batches() {
      for (let i = 0; i < 6; i++) {
        values.fill(i);
        yield recordBatch({ x: { dtype: "float32", shape: [], values } }, values.length);
        // As when a buffer goes to another thread.
        values = structuredClone(values, { transfer: [values.buffer] });
      }
    }
    await writeArrow(path, batches());
    const written = [...tableFromIPC(readFileSync(path)).getChild("x")!];
    expect(written).to.deep.equal([0, 1, 2, 3, 4, 5].flatMap((i) => [i, i, i, i]));
  });
});
