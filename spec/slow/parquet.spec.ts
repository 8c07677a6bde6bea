import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { parquetWriteBuffer } from "hyparquet-writer";
import { ParquetReader } from "../../lib/data/source/table/parquet-reader.js";
import { NetrunError } from "../../lib/error.js";
import { prng } from "../support/prng.js";

/** Rows are read in milliseconds; this is for files that keep their reader busy for ever. */
const TIMEOUT_MS = 1000;

describe("damaged Parquet files", () => {
  it("are read or refused, in bounded time and with the process unharmed", async () => {
    const n = 500;
    const whole = new Uint8Array(
      parquetWriteBuffer({
        columnData: [
          { name: "a", data: Array.from({ length: n }, (_, i) => i * 1.5), type: "DOUBLE" },
          { name: "s", data: Array.from({ length: n }, (_, i) => `x${i % 7}`), type: "STRING" },
          { name: "i", data: Array.from({ length: n }, (_, i) => i), type: "INT32" },
        ],
      }),
    );
    const folder = mkdtempSync(join(tmpdir(), "netrun-parquet-"));
    const random = prng(1);
    const outcomes = { read: 0, refused: 0 };
    try {
      for (let round = 0; round < 200; round++) {
        const bytes = whole.slice();
        const changes = 1 + Math.floor(random() * 6);
        for (let i = 0; i < changes; i++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
        const path = join(folder, `${round}.parquet`);
        writeFileSync(path, bytes);
        try {
          const { reader } = await ParquetReader.open(path, TIMEOUT_MS);
          await using _closing = reader;
          await reader.rows(0, n);
          outcomes.read++;
        } catch (error) {
          expect(error).to.be.instanceOf(NetrunError);
          outcomes.refused++;
        }
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
    expect(outcomes.read).to.be.above(10);
    expect(outcomes.refused).to.be.above(10);
  });
});
