import { ByteReader, Corruption } from "./bytes.js";
import { logRecords } from "./log.js";

/** A table file that is part of the database. */
export interface TableFile {
  readonly number: number;
  readonly size: number;
  /** First and last key. */
  readonly smallest: Buffer;
  readonly largest: Buffer;
}

/** Files of a database. */
export interface Version {
  /** Tables of each level; those of level 0 may overlap, those of another are in order and do not. */
  readonly levels: readonly (readonly TableFile[])[];
  /** Logs with this number and above, and the one before it, have what is in no table yet. */
  readonly logNumber: number;
  readonly previousLog: number;
}

const LEVELS = 7;
const COMPARATOR = "leveldb.BytewiseComparator";
const TAG = {
  comparator: 1,
  logNumber: 2,
  nextFile: 3,
  lastSequence: 4,
  compactPointer: 5,
  deletedFile: 6,
  newFile: 7,
  previousLog: 9,
} as const;

/** The database that the edits of a manifest add up to. Throws a Corruption where it is damaged. Source: LevelDB's version_edit.cc. */
export function readManifest(bytes: Buffer): Version {
  const levels = Array.from({ length: LEVELS }, () => new Map<number, TableFile>());
  const numbers = new Map<number, number>();
  for (const record of logRecords(bytes)) applyEdit(new ByteReader(record), levels, numbers);
  for (const [tag, name] of [
    [TAG.nextFile, "next file"],
    [TAG.logNumber, "log"],
    [TAG.lastSequence, "last sequence number"],
  ] as const)
    if (!numbers.has(tag)) throw new Corruption(`it names no ${name}`);
  return {
    levels: levels.map((files, level) =>
      [...files.values()].sort((a, b) => (level === 0 ? b.number - a.number : Buffer.compare(a.smallest, b.smallest))),
    ),
    logNumber: numbers.get(TAG.logNumber)!,
    previousLog: numbers.get(TAG.previousLog) ?? 0,
  };
}

function applyEdit(reader: ByteReader, levels: Map<number, TableFile>[], numbers: Map<number, number>): void {
  const level = () => {
    const number = reader.varint();
    if (number >= LEVELS) throw new Corruption(`there is no level ${number}`);
    return levels[number]!;
  };
  const added: (() => void)[] = [];
  while (!reader.isAtEnd) {
    const tag = reader.varint();
    switch (tag) {
      case TAG.comparator: {
        const name = reader.prefixed().toString();
        if (name !== COMPARATOR) throw new Corruption(`its keys are ordered by ${name}, not by their bytes`);
        break;
      }
      case TAG.logNumber:
      case TAG.nextFile:
      case TAG.lastSequence:
      case TAG.previousLog:
        numbers.set(tag, reader.varint());
        break;
      case TAG.compactPointer:
        level();
        reader.prefixed();
        break;
      case TAG.deletedFile:
        level().delete(reader.varint());
        break;
      case TAG.newFile: {
        const files = level();
        const [number, size] = [reader.varint(), reader.varint()];
        const file = { number, size, smallest: userKey(reader.prefixed()), largest: userKey(reader.prefixed()) };
        // What an edit deletes was there before it, and what it adds stays.
        added.push(() => files.set(number, file));
        break;
      }
      default:
        throw new Corruption(`an edit has an unknown field ${tag}`);
    }
  }
  for (const add of added) add();
}

/** A key of a table without the eight bytes of sequence and type. */
function userKey(key: Buffer): Buffer {
  if (key.length < 8) throw new Corruption("a key is too short");
  return key.subarray(0, -8);
}
