import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { columnsOf, type NumberColumn } from "../../lib/data/source/columns.js";
import { drawDigit } from "../../lib/data/source/digits/draw.js";
import { digitsSource } from "../../lib/data/source/digits/source.js";
import { WHOLE } from "../../lib/data/source/source.js";

describe("digits", () => {
  it("are the same bytes on every machine", () => {
    const hash = createHash("sha256");
    for (let i = 0; i < 200; i++) hash.update(drawDigit(1, i).pixels);
    expect(hash.digest("hex")).to.equal("5dfc6ee962b947a4ba7f7bdd63af06485cffe50c92bfb9be7167f506862c313b");
  });

  it("are drawn once, then read from the cache folder", async () => {
    const folder = mkdtempSync(join(tmpdir(), "netrun-digits-"));
    try {
      const read = async (): Promise<Uint8Array[]> => {
        await using source = await digitsSource("test", folder);
        const parts: Uint8Array[] = [];
        for await (const batch of source.batches(WHOLE)) {
          const { data, label } = columnsOf(batch) as Record<string, NumberColumn>;
          expect(new Set(label!.values)).to.have.property("size", 10);
          parts.push(Uint8Array.from(data!.values));
        }
        return parts;
      };
      const drawn = await read();
      expect(readdirSync(folder)).to.deep.equal(["digits-test-v1.arrow"]);
      expect(await read()).to.deep.equal(drawn);
      expect(Buffer.concat(drawn)).to.have.length(2000 * 784);
      expect([...drawn[0]!.subarray(0, 784)]).to.deep.equal([...drawDigit(1, 8000).pixels]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
