import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { LmdbCursor } from "../../lib/data/source/lmdb/cursor.js";
import { NetrunError } from "../../lib/error.js";
import { goldenPath } from "../support/shared.js";
import { writeLmdb } from "../support/write-lmdb.js";

/** Reads all records, at most `limit`; gives keys and a checksum of the values. */
function readAll(cursor: LmdbCursor, limit = Infinity): { keys: string[]; bytes: number } {
  const keys: string[] = [];
  let bytes = 0;
  while (keys.length < limit && cursor.next()) {
    keys.push(cursor.key.toString());
    bytes += cursor.value().length;
  }
  return { keys, bytes };
}

function withFile<T>(content: Buffer, body: (path: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "netrun-lmdb-"));
  try {
    const path = join(folder, "data.mdb");
    writeFileSync(path, content);
    return body(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("lmdb files of all depths", () => {
  /** Records whose sizes spread from inside a page to overflow pages of more than a read window. */
  function* records(n: number): Generator<readonly [string, Uint8Array]> {
    for (let i = 0; i < n; i++) {
      const size = i % 50 === 7 ? 9000 : i % 997 === 3 ? 1_500_000 : 20 + (i % 90);
      yield [String(i).padStart(9, "0"), new Uint8Array(size).fill(i)];
    }
  }

  for (const n of [0, 1, 60, 2000, 30_000])
    it(`reads all ${n} records, and from the middle`, () => {
      withFile(Buffer.alloc(0), (path) => {
        writeLmdb(path, records(n));
        const cursor = new LmdbCursor(path);
        try {
          let i = 0;
          for (const [key, value] of records(n)) {
            expect(cursor.next()).to.equal(true);
            if (i++ % 13 === 0 || value.length > 9000) {
              expect(cursor.key.toString()).to.equal(key);
              expect(cursor.value().equals(value)).to.equal(true);
            }
          }
          expect(cursor.next()).to.equal(false);
          if (n > 0) {
            cursor.seek(n >> 1, cursor.index());
            expect(cursor.key.toString()).to.equal(String(n >> 1).padStart(9, "0"));
          }
        } finally {
          cursor.close();
        }
      });
    });
});

describe("lmdb", () => {
  const raw = (): Buffer => readFileSync(goldenPath("data", "raw_lmdb/data.mdb"));

  it("reads every record in key order from a folder and from the file itself", () => {
    for (const path of [goldenPath("data", "big_lmdb"), goldenPath("data", "big_lmdb/data.mdb")]) {
      const cursor = new LmdbCursor(path);
      const { keys } = readAll(cursor);
      expect(keys).to.have.length(cursor.length);
      expect(keys).to.deep.equal([...keys].sort());
      cursor.close();
    }
  });

  it("starts at any record", () => {
    const all = new LmdbCursor(goldenPath("data", "big_lmdb"));
    const { keys } = readAll(all);
    for (const k of [0, 1, 255, keys.length - 1]) {
      all.seek(k, all.index());
      expect(all.key.toString()).to.equal(keys[k]);
      expect(readAll(all).keys).to.deep.equal(keys.slice(k + 1));
    }
    all.close();
  });

  it("names file and page if a page has another number", () => {
    const bytes = raw();
    bytes.writeBigUInt64LE(77n, 3 * 4096);
    withFile(bytes, (path) => {
      const cursor = new LmdbCursor(path);
      expect(() => readAll(cursor))
        .to.throw(NetrunError)
        .with.property("message", "page 3: the page has another number");
      cursor.close();
    });
  });

  it("refuses a file that is something else", () => {
    withFile(Buffer.from("name: LeNet".padEnd(9000)), (path) => {
      expect(() => new LmdbCursor(path)).to.throw(NetrunError, "not an LMDB 0.9 file");
    });
  });

  it("refuses an empty file and a missing one", () => {
    withFile(Buffer.alloc(0), (path) => {
      expect(() => new LmdbCursor(path)).to.throw(NetrunError, "outside the file");
    });
    expect(() => new LmdbCursor("/nowhere/data.mdb")).to.throw(NetrunError, "cannot open the file");
  });

  it("ends with records or a NetrunError on every truncation and on random damage", () => {
    const whole = raw();
    let state = 1;
    const random = (n: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state % n;
    };
    for (let round = 0; round < 400; round++) {
      const bytes = Buffer.from(whole.subarray(0, round % 4 === 0 ? random(whole.length) : whole.length));
      // Damage lands mostly in headers, where it does most harm.
      for (let k = 0; k < 1 + random(8); k++) {
        const page = random(Math.max(1, Math.floor(bytes.length / 4096)));
        const at = page * 4096 + (random(4) === 0 ? random(4096) : random(160));
        if (at < bytes.length) bytes[at] = random(256);
      }
      withFile(bytes, (path) => {
        let cursor: LmdbCursor | undefined;
        try {
          cursor = new LmdbCursor(path);
          readAll(cursor, 100_000);
          if (cursor.length > 0) cursor.seek(cursor.length - 1, cursor.index());
        } catch (error) {
          expect(error).to.be.instanceOf(NetrunError);
        } finally {
          cursor?.close();
        }
      });
    }
  });
});
