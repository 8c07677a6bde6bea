import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClassicLevel } from "classic-level";
import h5wasm from "h5wasm/node";
import sharp from "sharp";
import { create, encode } from "../../lib/caffe/message.js";
import { DataParameter_DB } from "../../lib/caffe/messages.js";
import { type FeedSubject, feedContract } from "../contracts/feed.js";
import { prng } from "../support/prng.js";
import { writeLmdb } from "../support/write-lmdb.js";

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** A Datum of random pixels [1, 5, 5]. */
function datum(label: number): Uint8Array {
  const random = prng(label + 1);
  const data = Uint8Array.from({ length: 25 }, () => random() * 256);
  return encode(create("Datum", { channels: 1, height: 5, width: 5, data, label }));
}

const key = (i: number): string => String(i).padStart(8, "0");

/** Random images of 6 x 6 pixels named 0.png, 1.png, ... */
async function images(folder: string, count: number): Promise<void> {
  for (const i of range(count)) {
    const random = prng(i + 1);
    const pixels = Uint8Array.from({ length: 108 }, () => random() * 256);
    await sharp(pixels, { raw: { width: 6, height: 6, channels: 3 } })
      .png()
      .toFile(join(folder, `${i}.png`));
  }
}

const crop = { crop_size: 3, mirror: true };

const SUBJECTS: readonly FeedSubject[] = [
  {
    name: "Data over LMDB with random crops",
    length: 7,
    labels: range(7),
    prepare: async (folder) => {
      const source = join(folder, "data.mdb");
      writeLmdb(
        source,
        range(7).map((i) => [key(i), datum(i)] as const),
      );
      const data_param = { source, batch_size: 2, backend: DataParameter_DB.LMDB };
      return { type: "Data", data_param, transform_param: crop };
    },
  },
  {
    name: "Data over LevelDB with random mirrors",
    length: 5,
    labels: range(5),
    prepare: async (folder) => {
      const source = join(folder, "leveldb");
      const db = new ClassicLevel<string, Uint8Array>(source, { valueEncoding: "view" });
      for (const i of range(5)) await db.put(key(i), datum(i));
      await db.close();
      return { type: "Data", data_param: { source, batch_size: 2 }, transform_param: { mirror: true } };
    },
  },
  {
    name: "HDF5Data over several files, shuffled",
    length: 9,
    labels: range(9),
    prepare: async (folder) => {
      await h5wasm.ready;
      const files = [4, 5].map((rows, i) => {
        const path = join(folder, `${i}.h5`);
        const file = new h5wasm.File(path, "w");
        const labels = Float32Array.from(range(rows), (k) => k + 4 * i);
        file.create_dataset({ name: "label", data: labels, shape: [rows] });
        file.create_dataset({ name: "data", data: labels, shape: [rows, 1] });
        file.close();
        return path;
      });
      const source = join(folder, "files.txt");
      writeFileSync(source, files.join("\n"));
      return { type: "HDF5Data", hdf5_data_param: { source, batch_size: 2, shuffle: true } };
    },
  },
  {
    name: "ImageData, shuffled, with crops",
    length: 7,
    labels: range(7),
    prepare: async (folder) => {
      await images(folder, 7);
      const source = join(folder, "list.txt");
      writeFileSync(
        source,
        range(7)
          .map((i) => `${i}.png ${i}`)
          .join("\n"),
      );
      const image_data_param = { source, root_folder: `${folder}/`, batch_size: 2, shuffle: true };
      return { type: "ImageData", image_data_param, transform_param: crop };
    },
  },
  {
    name: "ImageData that skips some at the start",
    length: 5,
    prepare: async (folder) => {
      await images(folder, 5);
      const source = join(folder, "list.txt");
      writeFileSync(
        source,
        range(5)
          .map((i) => `${i}.png ${i}`)
          .join("\n"),
      );
      return {
        type: "ImageData",
        image_data_param: { source, root_folder: `${folder}/`, batch_size: 2, rand_skip: 4 },
      };
    },
  },
  {
    name: "WindowData",
    length: 4,
    prepare: async (folder) => {
      await images(folder, 2);
      const source = join(folder, "windows.txt");
      const windows = (i: number) => `# ${i}\n${i}.png\n3 6 6\n2\n1 1 0 0 3 3\n1 0 2 2 5 5`;
      writeFileSync(source, [0, 1].map(windows).join("\n"));
      const window_data_param = {
        source,
        root_folder: `${folder}/`,
        batch_size: 2,
        fg_fraction: 0.5,
        cache_images: true,
      };
      return { type: "WindowData", window_data_param, transform_param: crop };
    },
  },
  {
    name: "DummyData with random fillers",
    length: Number.POSITIVE_INFINITY,
    prepare: async () => ({
      type: "DummyData",
      dummy_data_param: {
        shape: [{ dim: [2, 3] }, { dim: [2] }],
        data_filler: [{ type: "gaussian" }, { type: "constant", value: 1 }],
      },
    }),
  },
];

describe("feeds of data layers", () => {
  const folder = mkdtempSync(join(tmpdir(), "netrun-feeds-"));
  after(() => rmSync(folder, { recursive: true }));
  for (const [i, subject] of SUBJECTS.entries())
    feedContract(subject, () => {
      // Lists of HDF5 files have white space between their names.
      const own = join(folder, String(i));
      mkdirSync(own, { recursive: true });
      return own;
    });
});
