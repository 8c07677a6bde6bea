import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ClassicLevel } from "classic-level";
import { create, decode, encode } from "../../../../lib/caffe/message.js";
import { writeLmdb } from "../../write-lmdb.js";
import { asSource, datum, key, readRows } from "../files.js";
import { mutateProtobuf } from "../protobuf.js";
import type { Damage, FuzzReader } from "../reader.js";
import { mutateStructure } from "../structure.js";
import { insideLog, insideTable } from "../wrapped.js";

const LEVELDB = ["lib/data/source/leveldb/database.ts", "lib/data/source/leveldb/table.ts"];

/** A Datum with boxes. */
const annotated = (i: number): Uint8Array => {
  const bbox = { xmin: 0.1, ymin: 0.2, xmax: 0.7, ymax: 0.9 };
  const group = { group_label: 2, annotation: [{ bbox }, { instance_id: 1, bbox: { ...bbox, difficult: true } }] };
  return encode(create("AnnotatedDatum", { datum: decode("Datum", datum(i)), type: 0, annotation_group: [group] }));
};

/** One file of a LevelDB folder that has tables, a log and a manifest. */
function levelDb(what: string, pattern: RegExp, damages: readonly Damage[]): FuzzReader {
  return {
    name: `LevelDB: ${what}`,
    modules: LEVELDB,
    open: async (folder) => {
      const [made, path] = [join(folder, "made"), join(folder, "level")];
      const db = new ClassicLevel<string, Uint8Array>(made, { valueEncoding: "view" });
      for (let i = 0; i < 100; i++) await db.put(key(i), datum(i));
      await db.compactRange("0", "9");
      for (let i = 100; i < 110; i++) await db.put(key(i), datum(i));
      await db.close();
      cpSync(made, path, { recursive: true });
      // The one that the sound files of the folder go with.
      const name = readdirSync(path).find((each) => pattern.test(each))!;
      return {
        wholes: [readFileSync(join(path, name))],
        damages,
        read: (bytes) => {
          writeFileSync(join(path, name), bytes);
          return readRows({ kind: "leveldb", path });
        },
      };
    },
  };
}

/** Readers of databases of Datums. */
export const DATABASES: readonly FuzzReader[] = [
  {
    name: "LMDB",
    modules: ["lib/data/source/lmdb/pages.ts"],
    open: async (folder) => {
      writeLmdb(
        join(folder, "whole.mdb"),
        Array.from({ length: 200 }, (_, i) => [key(i), datum(i)] as const),
      );
      return {
        wholes: [readFileSync(join(folder, "whole.mdb"))],
        read: asSource(folder, "x.mdb", (path) => ({ kind: "lmdb", path })),
      };
    },
  },
  {
    name: "Datum",
    modules: ["lib/data/source/lmdb/pages.ts"],
    open: async (folder) => ({
      wholes: [datum(3)],
      damages: [mutateStructure, mutateProtobuf],
      read: (bytes) => {
        const path = join(folder, "d.mdb");
        writeLmdb(path, [["0", bytes]]);
        return readRows({ kind: "lmdb", path });
      },
    }),
  },
  {
    name: "AnnotatedDatum",
    modules: ["lib/data/source/datum.ts"],
    open: async (folder) => ({
      wholes: [annotated(3)],
      damages: [mutateStructure, mutateProtobuf],
      read: (bytes) => {
        const path = join(folder, "d.mdb");
        writeLmdb(path, [["0", bytes]]);
        return readRows({ kind: "lmdb", path });
      },
    }),
  },
  levelDb("table", /\.ldb$/, [mutateStructure, insideTable(mutateStructure)]),
  levelDb("log", /\.log$/, [mutateStructure, insideLog(mutateStructure)]),
  levelDb("manifest", /^MANIFEST/, [mutateStructure, insideLog(mutateStructure)]),
  levelDb("CURRENT", /^CURRENT$/, [mutateStructure]),
];
