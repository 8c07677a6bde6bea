import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { zipSync } from "fflate";
import { parquetWriteBuffer } from "hyparquet-writer";
import { knownFailure } from "../../../../lib/data/source/failures.js";
import { openRecords } from "../../../../lib/data/source/open.js";
import { readTensors } from "../../../../lib/data/source/recorded/index.js";
import { saveRows } from "../../../../lib/data/source/table/save.js";
import { safetensorsOf } from "../../safetensors.js";
import { root } from "../../shared.js";
import { mutate } from "../bytes.js";
import { asSource, put } from "../files.js";
import { mutateJson } from "../json.js";
import type { Damage, FuzzReader } from "../reader.js";
import { mutateStructure } from "../structure.js";
import { insideGzip } from "../wrapped.js";

const CSV = Buffer.from(`a,b,label\n${Array.from({ length: 30 }, (_, i) => `${i},${i / 3},"t${i % 3}"\n`).join("")}`);
const TEXT = Buffer.from("good\tsome words, and more\nbad\tother words\n".repeat(8));
const SPOOLED = ["lib/data/source/table/spool.ts", "lib/data/source/arrow/source.ts"];
const ARROW = ["lib/data/source/arrow/source.ts", "lib/data/source/arrow/messages.ts"];
const PARQUET = ["lib/data/source/table/parquet-reader.ts", "lib/data/source/table/parquet-worker.ts"];
const RECORDED = ["lib/data/source/recorded/index.ts"];

/** An IDX file of zeros. */
const idx = (dims: readonly number[]) =>
  Buffer.concat([
    Buffer.of(0, 0, 8, dims.length, ...dims.flatMap((dim) => [0, 0, 0, dim])),
    new Uint8Array(dims.reduce((a, b) => a * b)),
  ]);

/** Images of IDX, and beside them the labels that go with them. */
const idxImages = (name: string, pack: (bytes: Buffer) => Uint8Array, damages: readonly Damage[]): FuzzReader => ({
  name,
  modules: ["lib/data/source/idx.ts"],
  open: async (folder) => {
    const labels = put(folder, "labels", pack(idx([9])));
    return {
      wholes: [pack(idx([9, 4, 5])), pack(idx([9, 3, 4, 5]))],
      damages,
      read: asSource(folder, "images", (images) => ({ kind: "idx", images, labels })),
    };
  },
});

const idxLabels: FuzzReader = {
  name: "IDX: labels",
  modules: ["lib/data/source/idx.ts"],
  open: async (folder) => {
    const images = put(folder, "images", idx([9, 4, 5]));
    return {
      wholes: [idx([9])],
      read: asSource(folder, "labels", (labels) => ({ kind: "idx", images, labels })),
    };
  },
};

const arrow = (name: string, file: string): FuzzReader => ({
  name,
  modules: ARROW,
  open: async (folder) => ({
    wholes: [readFileSync(join(root, "fixtures/data", file))],
    read: asSource(folder, "x.arrow", (path) => ({ kind: "arrow", path })),
  }),
});

const npy = (descr: string, shape: string, bytes: number) => {
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117);
  const magic = Buffer.from("\x93NUMPY\x01\x00\x76\x00", "latin1");
  return Buffer.concat([magic, Buffer.from(`${header}\n`), new Uint8Array(bytes)]);
};

/** Damages the header of a .safetensors file as JSON, its length corrected. */
const insideHeader: Damage = (bytes, seed) => {
  const file = Buffer.from(bytes);
  const end = 8 + Number(file.readBigUInt64LE(0));
  const header = mutateJson(file.subarray(8, end), seed);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, file.subarray(end)]);
};

/** Readers of arrays, tables and texts. */
export const TABLES: readonly FuzzReader[] = [
  idxImages("IDX: images", (bytes) => bytes, [mutateStructure]),
  idxImages("IDX: images, compressed", gzipSync, [mutateStructure, insideGzip(mutateStructure)]),
  idxLabels,
  {
    name: "CIFAR-10 and CIFAR-100",
    modules: ["lib/data/source/cifar.ts"],
    open: async (folder) => ({
      wholes: [new Uint8Array(4 * 3073), new Uint8Array(4 * 3074)],
      read: (bytes, seed) =>
        asSource(folder, "x.bin", (path) => ({ kind: "cifar", files: [path], classes: seed % 2 === 0 ? 10 : 100 }))(
          bytes,
        ),
    }),
  },
  {
    name: "Arrow",
    modules: ARROW,
    open: async (folder) => {
      const path = join(folder, "whole.arrow");
      await saveRows(
        path,
        Array.from({ length: 50 }, (_, x) => ({ x, data: new Float32Array(4), bytes: new Uint8Array(3) })),
      );
      return {
        wholes: [readFileSync(path)],
        read: asSource(folder, "x.arrow", (each) => ({ kind: "arrow", path: each })),
      };
    },
  },
  arrow("Arrow, compressed by LZ4", "lz4.arrow"),
  arrow("Arrow, compressed by Zstandard", "zstd.arrow"),
  {
    name: "rows that an earlier run kept",
    modules: SPOOLED,
    open: async (folder) => {
      const path = join(folder, "whole.arrow");
      await saveRows(
        path,
        Array.from({ length: 50 }, (_, x) => ({ x })),
      );
      return {
        wholes: [readFileSync(path)],
        read: asSource(folder, "x.arrow", (each) => ({ kind: "rows", path: each })),
      };
    },
  },
  {
    name: "notes on rows that an earlier run kept",
    modules: SPOOLED,
    open: async (folder) => {
      const path = join(folder, "x.arrow");
      await saveRows(
        path,
        Array.from({ length: 5 }, (_, x) => ({ x })),
      );
      return {
        wholes: [Buffer.from(JSON.stringify({ count: 2, first: "x.csv: line 3: 2 cells, where the first row has 3" }))],
        damages: [mutateJson, mutate],
        read: async (bytes) => {
          put(folder, "x.failures.json", bytes);
          await using source = await openRecords({ kind: "rows", path });
          if (source.failures) knownFailure(source.failures).format();
        },
      };
    },
  },
  {
    name: "Parquet",
    modules: PARQUET,
    open: async (folder) => {
      const data = Array.from({ length: 100 }, (_, i) => i * 1.5);
      const texts = data.map((value) => `t${value % 3}`);
      const table = (columnData: Parameters<typeof parquetWriteBuffer>[0]["columnData"]) =>
        new Uint8Array(parquetWriteBuffer({ columnData }));
      return {
        wholes: [
          table([{ name: "a", data, type: "DOUBLE" }]),
          table([
            { name: "t", data: texts, type: "STRING" },
            { name: "n", data: data.map(Math.floor), type: "INT32" },
          ]),
          ...["gzip", "snappy", "zstd"].map((codec) => readFileSync(join(root, `fixtures/data/${codec}.parquet`))),
        ],
        read: asSource(folder, "x.parquet", (path) => ({ kind: "parquet", path })),
      };
    },
  },
  {
    name: "HDF5",
    modules: ["lib/caffe/hdf5.ts", "lib/data/source/hdf5.ts", "lib/caffe/hdf5-reader.ts", "lib/caffe/hdf5-child.ts"],
    open: async (folder) => ({
      wholes: [readFileSync(join(root, "fixtures/data/half.h5"))],
      read: asSource(folder, "x.h5", (path) => ({ kind: "hdf5", files: [path] })),
    }),
  },
  {
    name: "CSV",
    modules: ["lib/data/source/table/csv.ts"],
    open: async (folder) => ({
      wholes: [CSV],
      damages: [mutate, mutateStructure],
      read: asSource(folder, "x.csv", (path) => ({ kind: "csv", path })),
    }),
  },
  {
    name: "a preparation of a table",
    modules: ["lib/data/source/prepared/preparation.ts"],
    open: async (folder) => {
      put(folder, "x.csv", "n,c,label\n1,a,yes\n2,b,no\n3,a,yes\n");
      const whole = {
        ...{ netrun: "preparation", version: 1, table: { kind: "csv", path: "x.csv" }, heldOut: 0, seed: 1 },
        columns: [
          { kind: "number", name: "n", mean: 2, deviation: 1 },
          { kind: "category", name: "c", form: "one-hot", categories: ["a", "b"], other: true },
        ],
        label: { kind: "classes", name: "label", classes: ["no", "yes"], rows: [1, 2] },
      };
      return {
        wholes: [Buffer.from(JSON.stringify(whole))],
        damages: [mutateJson, mutate],
        read: asSource(folder, "preparation.json", (path) => ({ kind: "prepared", path, part: "train" })),
      };
    },
  },
  {
    name: "CSV, compressed",
    modules: ["lib/data/source/table/csv.ts"],
    open: async (folder) => ({
      wholes: [gzipSync(CSV)],
      damages: [mutateStructure, insideGzip(mutate)],
      read: asSource(folder, "x.csv.gz", (path) => ({ kind: "csv", path })),
    }),
  },
  {
    name: "texts",
    modules: ["lib/data/source/table/text.ts"],
    open: async (folder) => ({
      wholes: [TEXT],
      damages: [mutate, mutateStructure],
      read: asSource(folder, "x.txt", (path) => ({ kind: "text", path, length: 8, tokens: 50, hash: false })),
    }),
  },
  {
    name: "a folder of texts",
    modules: ["lib/data/source/table/text.ts"],
    open: async (folder) => {
      for (const name of ["good", "bad"]) mkdirSync(join(folder, "texts", name), { recursive: true });
      put(folder, "texts/bad/a.txt", "other words");
      return {
        wholes: [TEXT],
        damages: [mutate, mutateStructure],
        read: (bytes) => {
          put(folder, "texts/good/a.txt", bytes);
          const path = join(folder, "texts");
          return asSource(folder, "ignored", () => ({ kind: "text", path, length: 8, tokens: 50, hash: true }))(bytes);
        },
      };
    },
  },
  {
    name: ".npz",
    modules: RECORDED,
    open: async (folder) => {
      const [a, b] = [npy("<f4", "(2, 3)", 24), npy(">i2", "(3,)", 6)];
      const inside: Damage = (bytes, seed) => zipSync({ "a.npy": mutateStructure(a, seed), "b.npy": bytes });
      return {
        wholes: [zipSync({ "a.npy": a, "b.npy": b }), zipSync({ "a.npy": a }, { level: 0 })],
        damages: [mutateStructure, (_, seed) => inside(b, seed)],
        read: (bytes) => readTensors(put(folder, "x.npz", bytes)),
      };
    },
  },
  {
    name: ".safetensors",
    modules: RECORDED,
    open: async (folder) => ({
      wholes: [
        safetensorsOf({
          a: { shape: [2, 3], data: new Float32Array(6) },
          b: { shape: [4], data: new Float32Array(4) },
        }),
      ],
      damages: [mutateStructure, insideHeader],
      read: (bytes) => readTensors(put(folder, "x.safetensors", bytes)),
    }),
  },
];
