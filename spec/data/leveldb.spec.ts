import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { ClassicLevel } from "classic-level";
import { Database } from "../../lib/data/source/leveldb/database.js";
import { NetrunError } from "../../lib/error.js";
import { freshFolder } from "../support/folder.js";
import { prng } from "../support/prng.js";

type Records = readonly (readonly [key: string, value: string])[];

const key = (i: number) => String(i).padStart(6, "0");

/** Writes a database by LevelDB itself, with tables on several levels, overwritten and deleted records and a log. */
async function write(path: string, rows: number): Promise<void> {
  const random = prng(3);
  const db = new ClassicLevel<string, Uint8Array>(path, {
    valueEncoding: "view",
    writeBufferSize: 1 << 16,
    maxFileSize: 1 << 20,
  });
  const value = (length: number) => Uint8Array.from({ length }, () => (length % 3 === 0 ? 7 : 256 * random()));
  for (let i = 0; i < rows; i++) await db.put(key(i), value(4 * (i % 500)));
  for (let i = 0; i < rows; i += 7) await db.del(key(i));
  await db.compactRange(key(0), key(rows / 2));
  for (let i = 3; i < rows; i += 11) await db.put(key(i), value(i % 90));
  await db.close();
}

async function byLevelDb(path: string, folder: string): Promise<Records> {
  const copy = join(folder, "copy");
  cpSync(path, copy, { recursive: true });
  const db = new ClassicLevel<string, Buffer>(copy, { valueEncoding: "buffer" });
  const records = (await db.iterator().all()).map(([name, value]) => [name, value.toString("hex")] as const);
  await db.close();
  rmSync(copy, { recursive: true });
  return records;
}

function byNetrun(path: string, from?: string): Records {
  const db = new Database(path);
  try {
    const records = db.records(from === undefined ? undefined : Buffer.from(from));
    return Array.from(records, ([name, value]) => [name.toString(), value.toString("hex")] as const);
  } finally {
    db.close();
  }
}

describe("LevelDB databases", function () {
  this.timeout(60_000);
  const folder = freshFolder();

  it("have the records that LevelDB itself gives, latest values and without the deleted, from any key on", async () => {
    const path = join(folder(), "db");
    await write(path, 2000);
    expect(readdirSync(path).filter((name) => name.endsWith(".ldb")).length).to.be.above(1);
    const expected = await byLevelDb(path, folder());
    expect(byNetrun(path)).to.deep.equal(expected);
    for (const from of ["", "000001", "000777", "001999", "002000", "zzz"])
      expect(byNetrun(path, from)).to.deep.equal(expected.filter(([name]) => name >= from));
  });

  it("stay as they are, the lock of another process included", async () => {
    const path = join(folder(), "db");
    await write(path, 50);
    const state = () => readdirSync(path).map((name) => [name, readFileSync(join(path, name), "hex")]);
    const before = state();
    byNetrun(path);
    expect(state()).to.deep.equal(before);
  });

  it("never lose a record in silence: whatever byte is wrong, all are read or an error names the file", async () => {
    const path = join(folder(), "db");
    await write(path, 300);
    const whole = byNetrun(path);
    const random = prng(9);
    for (const name of readdirSync(path).filter((each) => !/^(LOCK|LOG.*)$/.test(each))) {
      const file = join(path, name);
      const bytes = readFileSync(file);
      for (let round = 0; round < 60 && bytes.length > 0; round++) {
        const changed = Buffer.from(bytes);
        const at = Math.floor(random() * bytes.length);
        changed[at] = changed[at]! ^ (1 << Math.floor(random() * 8));
        writeFileSync(file, changed);
        try {
          expect(byNetrun(path), `${name}, byte ${at}`).to.deep.equal(whole);
        } catch (error) {
          if (!(error instanceof NetrunError)) throw error;
          expect(error.format(), `byte ${at}`).to.include(name);
        }
      }
      writeFileSync(file, bytes);
    }
  });

  it("are damaged where a file is cut off or missing", async () => {
    const path = join(folder(), "db");
    await write(path, 300);
    for (const name of readdirSync(path).filter((each) => !/^(LOCK|LOG.*)$/.test(each))) {
      const file = join(path, name);
      const bytes = readFileSync(file);
      for (const cut of [1, 9]) {
        if (bytes.length <= cut) continue;
        truncateSync(file, bytes.length - cut);
        expect(() => byNetrun(path), `${name} without ${cut}`).to.throw(NetrunError);
      }
      rmSync(file);
      expect(() => byNetrun(path), `without ${name}`).to.throw(NetrunError, /missing|no file CURRENT/);
      writeFileSync(file, bytes);
    }
  });
});
