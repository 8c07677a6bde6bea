import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { filterNet } from "../../../../lib/caffe/filter.js";
import { kindOfText, loadNet, loadSolver } from "../../../../lib/caffe/load.js";
import { create } from "../../../../lib/caffe/message.js";
import { hdf5DataLayer } from "../../../../lib/data/feed/layers/hdf5-data.js";
import { detectSource } from "../../../../lib/data/source/detect.js";
import { NetrunError } from "../../../../lib/error.js";
import { inspectNet, readArtifact } from "../../../../lib/inspect/index.js";
import { printText } from "../../../../lib/text/print.js";
import { goldenPath, hasShared, sharedPath } from "../../shared.js";
import { mutate, mutateNumbers } from "../bytes.js";
import { put } from "../files.js";
import type { FuzzReader } from "../reader.js";

const numbers = (bytes: Uint8Array, seed: number) =>
  Buffer.from(mutateNumbers(Buffer.from(bytes).toString("utf8"), seed));

/** The files of a folder that are not large. */
const small = (folder: string, pattern: RegExp) =>
  (readdirSync(folder, { recursive: true }) as string[])
    .filter((file) => pattern.test(file))
    .sort()
    .map((file) => readFileSync(join(folder, file)))
    .filter(({ length }) => length < 200_000);

/** Tests whether a net loads; some that are published have what no Caffe reads. */
function loads(bytes: Buffer): boolean {
  const text = bytes.toString("utf8");
  try {
    return kindOfText(text) === "NetParameter" && loadNet(`\n${text}`).message.layer.length > 0;
  } catch (error) {
    if (error instanceof NetrunError) return false;
    throw error;
  }
}

/** Published nets, where they are, and texts that Caffe reads. */
const nets = () =>
  [
    ...(hasShared() ? small(sharedPath("zoo", "prototxt"), /\.prototxt$/) : []),
    ...small(goldenPath("text"), /^(ok|upgrade)_.*\.prototxt$/),
  ].filter(loads);

/** No text may take longer, published nets of hundreds of layers included. */
const TEXT_LIMIT_MS = 1000;

/** Readers of prototxts, and of lists that they name. */
export const TEXTS: readonly FuzzReader[] = [
  {
    name: "net prototxt",
    modules: ["lib/caffe/load.ts", "lib/caffe/files.ts", "lib/inspect/identify.ts"],
    cpuLimitMs: TEXT_LIMIT_MS,
    open: async (folder) => ({
      wholes: nets(),
      damages: [mutate, numbers],
      // What loads prints and reads back.
      read: async (bytes) => {
        const path = put(folder, "net.prototxt", bytes);
        const { message } = loadNet(path);
        filterNet(message, create("NetState"));
        loadNet(`\n${printText(message)}`);
        await readArtifact(path);
      },
    }),
  },
  {
    name: "nets of single layers, inspected",
    modules: ["lib/caffe/load.ts"],
    cpuLimitMs: TEXT_LIMIT_MS,
    open: async (folder) => ({
      wholes: small(goldenPath("layers"), /\.prototxt$/),
      damages: [numbers],
      read: async (bytes) => {
        const { message } = loadNet(`\n${Buffer.from(bytes).toString("utf8")}`);
        for (const phase of ["TRAIN", "TEST"] as const) await inspectNet(message, { phase, baseDir: folder });
      },
    }),
  },
  {
    name: "solver prototxt",
    modules: ["lib/caffe/load.ts"],
    cpuLimitMs: TEXT_LIMIT_MS,
    open: async (folder) => ({
      wholes: small(goldenPath("solvers"), /solver\.prototxt$/),
      damages: [mutate, numbers],
      read: (bytes) => loadSolver(put(folder, "solver.prototxt", bytes)),
    }),
  },
  {
    name: "lists of HDF5 files",
    modules: ["lib/data/source/hdf5-list.ts", "lib/data/feed/layers/hdf5-data.ts", "lib/data/source/detect.ts"],
    open: async (folder) => {
      put(folder, "one.h5", "no HDF5");
      const layer = loadNet(
        `\nlayer { name: "d" type: "HDF5Data" top: "data" hdf5_data_param { source: "list.txt" batch_size: 1 } }`,
      ).message.layer[0]!;
      return {
        wholes: [Buffer.from("one.h5\none.h5\n".repeat(8))],
        damages: [mutate],
        read: (bytes) => {
          const path = put(folder, "list.txt", bytes);
          hdf5DataLayer(layer, { phase: "TRAIN", seed: 1, paths: (name) => join(folder, name) });
          detectSource(path);
        },
      };
    },
  },
];
