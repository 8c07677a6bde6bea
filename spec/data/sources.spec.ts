import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { tableFromArrays, tableToIPC } from "apache-arrow";
import { expect } from "chai";
import { ClassicLevel } from "classic-level";
import h5wasm from "h5wasm/node";
import { parquetWriteFile } from "hyparquet-writer";
import sharp from "sharp";
import { create, encode } from "../../lib/caffe/message.js";
import { GivenRows } from "../../lib/data/feed/given-rows.js";
import { writeArrow } from "../../lib/data/source/arrow/write.js";
import { recordBatch } from "../../lib/data/source/columns.js";
import { detectSource } from "../../lib/data/source/detect.js";
import { drawDigit } from "../../lib/data/source/digits/draw.js";
import type { SourceSpec } from "../../lib/data/source/open.js";
import type { Fold } from "../../lib/data/shuffle/folded.js";
import { foldsOf } from "../../lib/data/source/row-parts.js";
import { saveRows } from "../../lib/data/source/table/save.js";
import { newNet } from "../../lib/tables/new-net.js";
import { dataSourceContract, type Subject } from "../contracts/data-source.js";
import { goldenPath } from "../support/shared.js";

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Rows of a part of folds, by their definition. */
function foldRows(rows: number, { count, index, isHeld }: Fold): readonly number[] {
  const parts = foldsOf(count, 1);
  return range(rows).filter((row) => (parts.of(row) === index) === isHeld);
}

let rowsGiven: GivenRows | undefined;

const SUBJECTS: readonly Subject[] = [
  {
    name: "Arrow",
    field: "label",
    rows: range(7),
    prepare: async (folder) => {
      const path = join(folder, "rows.arrow");
      const batch = (from: number, rows: number) => {
        const label = { dtype: "int32", shape: [], values: Int32Array.from(range(rows), (i) => from + i) } as const;
        const data = { dtype: "float32", shape: [2, 3], values: new Float32Array(rows * 6) } as const;
        return recordBatch({ data, label }, rows);
      };
      await writeArrow(path, [batch(0, 3), batch(3, 1), batch(4, 3)]);
      return { kind: "arrow", path };
    },
  },
  {
    name: "folds",
    field: "x",
    // One of each five neighbours is left out; which ones follows from the seed of all folds.
    rows: foldRows(23, { count: 5, index: 2, isHeld: false }),
    prepare: async (folder) => {
      const path = join(folder, "rows.arrow");
      await saveRows(
        path,
        range(23).map((x) => ({ x })),
      );
      return detectSource(`${path}?folds=5&without=2`);
    },
  },
  {
    name: "prepared table",
    field: "label",
    rows: [0, 1, 0, 1, 1],
    prepare: async (folder) => {
      const data = join(folder, "t.csv");
      writeFileSync(data, "x,y\n1,a\n2,b\n3,a\n4,b\n5,b\n");
      await newNet({ kind: "mlp", data, label: "y", heldOut: 0, output: join(folder, "net") });
      return detectSource(join(folder, "net/preparation.json?part=train"));
    },
  },
  {
    name: "Arrow stream",
    field: "x",
    rows: range(5),
    prepare: async (folder) => {
      const path = join(folder, "rows.arrows");
      writeFileSync(path, tableToIPC(tableFromArrays({ x: Int32Array.from(range(5)) }), "stream"));
      return detectSource(path);
    },
  },
  {
    name: "Arrow folder",
    field: "x",
    rows: range(5),
    prepare: async (folder) => {
      await saveRows(
        join(folder, "part-0.arrow"),
        range(2).map((x) => ({ x })),
      );
      await saveRows(
        join(folder, "part-1.arrow"),
        range(3).map((x) => ({ x: x + 2 })),
      );
      return detectSource(folder);
    },
  },
  {
    name: "rows",
    field: "label",
    rows: [1, 0, 2, 0],
    prepare: async () => {
      rowsGiven = new GivenRows();
      const rows = ["b", "a", "c", "a"].map((label) => ({ data: [1, 2], label }));
      return (await rowsGiven.resolve(rows)) as SourceSpec;
    },
  },
  {
    name: "HDF5",
    field: "label",
    rows: range(6),
    prepare: async (folder) => {
      await h5wasm.ready;
      const files = [2, 4].map((rows, i) => {
        const path = join(folder, `${i}.h5`);
        const file = new h5wasm.File(path, "w");
        file.create_dataset({ name: "label", data: Float32Array.from(range(rows), (k) => k + 2 * i), shape: [rows] });
        file.create_dataset({
          name: "data",
          data: new Float64Array(rows * 4),
          shape: [rows, 4],
          chunks: [1, 4],
          compression: 4,
        });
        file.close();
        return path;
      });
      return { kind: "hdf5", files, datasets: ["data", "label"] };
    },
  },
  {
    name: "IDX",
    field: "label",
    rows: range(5),
    prepare: async (folder) => {
      const [images, labels] = [join(folder, "images"), join(folder, "labels")];
      writeFileSync(
        images,
        Buffer.concat([Buffer.from([0, 0, 8, 3, 0, 0, 0, 5, 0, 0, 0, 2, 0, 0, 0, 2]), Buffer.alloc(20)]),
      );
      writeFileSync(labels, Buffer.from([0, 0, 8, 1, 0, 0, 0, 5, 0, 1, 2, 3, 4]));
      return { kind: "idx", images, labels };
    },
  },
  {
    name: "gzip IDX",
    field: "label",
    rows: range(5),
    prepare: async (folder) => {
      const images = Buffer.concat([Buffer.from([0, 0, 8, 3, 0, 0, 0, 5, 0, 0, 0, 2, 0, 0, 0, 2]), Buffer.alloc(20)]);
      writeFileSync(join(folder, "t-images-idx3-ubyte.gz"), gzipSync(images));
      writeFileSync(
        join(folder, "t-labels-idx1-ubyte.gz"),
        gzipSync(Buffer.from([0, 0, 8, 1, 0, 0, 0, 5, 0, 1, 2, 3, 4])),
      );
      return detectSource(folder);
    },
  },
  {
    name: "image list",
    field: "label",
    rows: [3, 2, 1, 0],
    prepare: async (folder) => {
      const list = join(folder, "list.txt");
      const lines = [3, 2, 1, 0].map((label) => `a picture ${label}.png ${label}`);
      writeFileSync(list, `${lines.join("\n")}\n\n`);
      for (const i of range(4))
        await sharp(Buffer.alloc(12, i), { raw: { width: 2, height: 2, channels: 3 } }).toFile(
          join(folder, `a picture ${i}.png`),
        );
      return { kind: "images", list, root: `${folder}/` };
    },
  },
  {
    name: "LevelDB",
    field: "label",
    rows: range(9),
    prepare: async (folder) => {
      const path = join(folder, "leveldb");
      const db = new ClassicLevel<string, Uint8Array>(path, { valueEncoding: "view" });
      for (const label of range(9)) {
        const datum = create("Datum", { channels: 1, height: 1, width: 2, data: Uint8Array.of(label, 7), label });
        await db.put(String(label).padStart(8, "0"), encode(datum));
      }
      await db.close();
      return { kind: "leveldb", path };
    },
  },
  {
    name: "LMDB",
    field: "label",
    rows: [0, 2, 4, 1, 3, 0, 2, 4, 1, 3, 0, 2],
    prepare: async (folder) => {
      mkdirSync(folder, { recursive: true });
      cpSync(goldenPath("data", "float_lmdb"), folder, { recursive: true });
      return { kind: "lmdb", path: folder };
    },
  },
  {
    name: "foreign Arrow",
    field: "label",
    rows: [1, 0, 1, 2, 1],
    prepare: async (folder) => {
      const path = join(folder, "foreign.arrow");
      const table = tableFromArrays({ x: Float64Array.from(range(5)), label: ["b", "a", "b", "c", "b"] });
      writeFileSync(path, tableToIPC(table, "file"));
      return detectSource(path);
    },
  },
  {
    name: "saved rows",
    field: "x",
    rows: range(6),
    prepare: async (folder) => {
      const path = join(folder, "saved.arrow");
      const rows = (async function* () {
        for (const i of range(6)) yield { x: i, data: [[i, 1, 2], new Float32Array(3)] };
      })();
      expect(await saveRows(path, rows)).to.equal(6);
      return detectSource(path);
    },
  },
  {
    name: "Parquet",
    field: "x",
    rows: range(2500),
    prepare: async (folder) => {
      const path = join(folder, "table.parquet");
      const columnData = [
        { name: "x", data: range(2500), type: "INT32" as const },
        { name: "label", data: range(2500).map((i) => (i % 2 ? "odd" : "even")), type: "STRING" as const },
      ];
      parquetWriteFile({ filename: path, columnData, rowGroupSize: 1000 });
      return detectSource(path);
    },
  },
  {
    name: "CSV",
    field: "label",
    rows: [1, 0, 0, 1],
    prepare: async (folder) => {
      const path = join(folder, "table.csv");
      writeFileSync(path, 'height,kind,width\n1.5,"a ""b""",2\n2,A,3\n2.5,A,4\n3,"a ""b""",5\n');
      return detectSource(`${path}?label=kind`);
    },
  },
  {
    name: "TSV",
    field: "x",
    rows: [3, 1, 2],
    prepare: async (folder) => {
      const path = join(folder, "table.tsv.gz");
      writeFileSync(path, gzipSync("x\ty\n3\t1\n1\t2\n2\t2\n"));
      return detectSource(path);
    },
  },
  {
    name: "text folder",
    field: "label",
    rows: [0, 0, 1],
    prepare: async (folder) => {
      for (const name of ["ham/1.txt", "ham/2.txt", "spam/1.txt"]) {
        mkdirSync(join(folder, name, ".."), { recursive: true });
        writeFileSync(join(folder, name), name);
      }
      return detectSource(folder);
    },
  },
  {
    name: "text",
    field: "label",
    rows: [1, 0, 1],
    prepare: async (folder) => {
      const path = join(folder, "table.txt");
      writeFileSync(path, "spam\tBuy now, buy!\nham\tHello\n\nspam\tbuy\n");
      return detectSource(`${path}?length=4`);
    },
  },
  {
    name: "CIFAR-10",
    field: "label",
    rows: range(5),
    prepare: async (folder) => {
      const records = range(5).map((label) => Buffer.alloc(3073, label));
      writeFileSync(join(folder, "data_batch_1.bin"), Buffer.concat(records.slice(0, 3)));
      writeFileSync(join(folder, "data_batch_2.bin"), Buffer.concat(records.slice(3)));
      return detectSource(folder);
    },
  },
  {
    name: "CIFAR-100",
    field: "label",
    rows: range(4),
    prepare: async (folder) => {
      const records = range(4).map((label) => Buffer.concat([Buffer.from([9, label]), Buffer.alloc(3072)]));
      writeFileSync(join(folder, "train.bin"), Buffer.concat(records));
      return detectSource(folder);
    },
  },
  {
    name: "image folder",
    field: "label",
    rows: [0, 0, 1],
    prepare: async (folder) => {
      for (const name of ["cat/1.png", "cat/2.png", "dog/1.png"]) {
        mkdirSync(join(folder, name, ".."), { recursive: true });
        await sharp(Buffer.alloc(12), { raw: { width: 2, height: 2, channels: 3 } }).toFile(join(folder, name));
      }
      return detectSource(folder);
    },
  },
  {
    name: "digits",
    field: "label",
    rows: range(2000).map((i) => drawDigit(1, 8000 + i).label),
    prepare: async () => ({ kind: "digits", part: "test" }),
  },
];

describe("data sources", () => {
  let folder: string;
  let cache: string | undefined;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "netrun-sources-"));
    cache = process.env["NETRUN_CACHE"];
    process.env["NETRUN_CACHE"] = folder;
  });
  after(async () => {
    await rowsGiven?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
    if (cache === undefined) delete process.env["NETRUN_CACHE"];
    else process.env["NETRUN_CACHE"] = cache;
  });
  for (const subject of SUBJECTS)
    dataSourceContract(subject, () => {
      const own = join(folder, subject.name);
      mkdirSync(own, { recursive: true });
      return own;
    });
});
