import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { readBytes } from "../../../caffe/files.js";
import { NetrunError } from "../../../error.js";
import { readingFailed } from "../../../file.js";
import { Corruption } from "./bytes.js";
import { compareEntries, type Entry } from "./entry.js";
import { logEntries } from "./log.js";
import { readManifest, type TableFile, type Version } from "./manifest.js";
import { Table } from "./table.js";

// A reader of our own: LevelDB itself ends the process at some damaged tables, gives what it can read of damaged logs as if it were
// all, and writes into the folder that it opens. Reading alone is small, and here every checksum is checked.

/** Tables that are open at a time: one for each level and those of level 0 are read at once. */
const OPEN_TABLES = 64;

/** A live record. */
export type Record = readonly [key: Buffer, value: Buffer];

/** A LevelDB folder, which stays as it is. */
export class Database {
  readonly #path: string;
  readonly #version: Version;
  /** Entries that are in no table yet, in order. */
  readonly #recent: readonly Entry[];
  readonly #tables = new Map<number, Table>();

  /** Reads the manifest and the logs. Throws a NetrunError where there is no database, and naming the file that is damaged. */
  constructor(path: string) {
    this.#path = path;
    const current = join(path, "CURRENT");
    if (!statSync(current, { throwIfNoEntry: false })?.isFile())
      throw new NetrunError("not a LevelDB folder: it has no file CURRENT", { file: path });
    const name = inFile(current, () => manifestName(read(current).toString("latin1"), path));
    this.#version = inFile(join(path, name), () => readManifest(read(join(path, name))));
    this.#recent = this.#readLogs();
  }

  /** The records whose keys are at least `from`, in order of key. */
  *records(from?: Buffer): Generator<Record> {
    let last: Buffer | undefined;
    for (const { key, value } of merged(this.#runs(from))) {
      // Older entries of a key follow its latest.
      if (last && Buffer.compare(key, last) === 0) continue;
      last = key;
      if (value) yield [key, value];
    }
  }

  close(): void {
    for (const table of this.#tables.values()) table.close();
    this.#tables.clear();
  }

  #readLogs(): Entry[] {
    const { logNumber, previousLog } = this.#version;
    const logs = readdirSync(this.#path).flatMap((name) => {
      const number = Number(/^(\d+)\.log$/.exec(name)?.[1] ?? Number.NaN);
      return number >= logNumber || (number === previousLog && number > 0) ? [{ name, number }] : [];
    });
    // A new database, and a repaired one, has none.
    if (logNumber > 0 && !logs.some(({ number }) => number === logNumber))
      throw damaged(this.#path, `its log ${String(logNumber).padStart(6, "0")}.log is missing`);
    const entries = logs
      .sort((a, b) => a.number - b.number)
      .flatMap(({ name }) => {
        const file = join(this.#path, name);
        return inFile(file, () => [...logEntries(read(file))]);
      });
    return entries.sort(compareEntries);
  }

  /** Entries in order, from each of what has to be merged: the logs, the tables of level 0, and the other levels. */
  #runs(from: Buffer | undefined): Iterator<Entry>[] {
    const [newest = [], ...levels] = this.#version.levels;
    const runs = [...newest.map((file) => [file]), ...levels].map((files) => this.#level(files, from));
    return [this.#recentFrom(from), ...runs];
  }

  *#recentFrom(from: Buffer | undefined): Generator<Entry> {
    for (const entry of this.#recent) if (!from || Buffer.compare(entry.key, from) >= 0) yield entry;
  }

  *#level(files: readonly TableFile[], from: Buffer | undefined): Generator<Entry> {
    let last: Entry | undefined;
    for (const file of files) {
      if (from && Buffer.compare(file.largest, from) < 0) continue;
      const path = this.#tablePath(file);
      const entries = inFile(path, () => this.#table(file, path).entries(from));
      for (;;) {
        const { value: entry, done } = inFile(path, () => entries.next());
        if (done) break;
        if (last && compareEntries(last, entry) >= 0) throw damaged(path, "its keys do not ascend");
        last = entry;
        yield entry;
      }
    }
  }

  #table(file: TableFile, path: string): Table {
    let table = this.#tables.get(file.number);
    if (table) {
      // As the last one used it is the last to be closed.
      this.#tables.delete(file.number);
    } else {
      if (this.#tables.size >= OPEN_TABLES) {
        const [oldest, unused] = this.#tables.entries().next().value!;
        unused.close();
        this.#tables.delete(oldest);
      }
      table = new Table(path, file.size);
    }
    this.#tables.set(file.number, table);
    return table;
  }

  #tablePath({ number }: TableFile): string {
    const stem = join(this.#path, String(number).padStart(6, "0"));
    // Until version 1.14 tables were called so.
    const found = [`${stem}.ldb`, `${stem}.sst`].find((path) => existsSync(path));
    if (found) return found;
    throw damaged(this.#path, `its table ${String(number).padStart(6, "0")}.ldb is missing`);
  }
}

function read(file: string): Buffer {
  const { bytes } = readBytes(file);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function manifestName(current: string, folder: string): string {
  const name = /^(MANIFEST-\d+)\n$/.exec(current)?.[1];
  if (name === undefined) throw new Corruption("it names no manifest");
  if (!existsSync(join(folder, name))) throw new Corruption(`it names ${name}, which is missing`);
  return name;
}

/** Merges runs of entries, each in order. There are few, so that the first is looked for among all. */
function* merged(runs: readonly Iterator<Entry>[]): Generator<Entry> {
  const heads = runs.flatMap((run) => {
    const { value, done } = run.next();
    return done ? [] : [{ run, entry: value }];
  });
  while (heads.length > 0) {
    let first = 0;
    for (let i = 1; i < heads.length; i++) if (compareEntries(heads[i]!.entry, heads[first]!.entry) < 0) first = i;
    const head = heads[first]!;
    yield head.entry;
    const { value, done } = head.run.next();
    if (done) heads.splice(first, 1);
    else head.entry = value;
  }
}

/** Result of a function; what is wrong with a file is a NetrunError that names it. */
function inFile<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw cause instanceof Corruption ? damaged(file, cause.message) : readingFailed(file, cause);
  }
}

function damaged(file: string, what: string): NetrunError {
  return new NetrunError(`damaged: ${what}`, {
    file,
    notes: ["records may be lost: copy the database again from where it came from, or repair it with LevelDB"],
  });
}
