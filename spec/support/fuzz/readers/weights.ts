import { readFileSync } from "node:fs";
import { join } from "node:path";
import { blobProto } from "../../../../lib/caffe/blob.js";
import { writeHdf5State, writeHdf5Weights } from "../../../../lib/caffe/hdf5.js";
import { loadNet } from "../../../../lib/caffe/load.js";
import { create, encode } from "../../../../lib/caffe/message.js";
import { V1LayerParameter_LayerType } from "../../../../lib/caffe/messages.js";
import { encodeSolverState, readSolverState, stateByParts } from "../../../../lib/caffe/solver-state.js";
import { encodeWeights } from "../../../../lib/caffe/weight-pieces.js";
import { readByParts, readWeights } from "../../../../lib/caffe/weights.js";
import { importWeights } from "../../../../lib/convert/import.js";
import { convert } from "../../../../lib/convert/index.js";
import { readMean } from "../../../../lib/data/feed/open-feed.js";
import { readArtifact } from "../../../../lib/inspect/identify.js";
import { printOnnx } from "../../../../lib/inspect/onnx.js";
import { readSources } from "../../../../lib/run/compile.js";
import { goldenPath } from "../../shared.js";
import { put } from "../files.js";
import { mutateProtobuf } from "../protobuf.js";
import type { FuzzReader } from "../reader.js";
import { mutateStructure } from "../structure.js";

const BOTH = [mutateStructure, mutateProtobuf];

const net = () =>
  loadNet(
    `\nname: "n" input: "data" input_shape { dim: 1 dim: 4 } layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 3 } }`,
  ).message;

const weights = new Map([
  [
    "ip",
    [
      { shape: [3, 4], data: Float32Array.from({ length: 12 }, (_, i) => i / 7) },
      { shape: [3], data: new Float32Array(3) },
    ],
  ],
]);
const state = { iter: 7, learned_net: "w", current_step: 1, history: weights.get("ip")! };
const mean = () => encode(blobProto([1, 3, 4, 4], new Float32Array(48)));

const golden = (folder: string, name: string) => readFileSync(goldenPath("solvers", folder, name));
/** Rules with one and with two numbers of history for each weight. */
const [first, second] = ["lr_step", "adam"] as const;

/** A net of the format before last: a layer in a layer, its blobs inside. */
const v0 = () => {
  const blobs = weights.get("ip")!.map(({ shape, data }) => blobProto(shape, data));
  return encode(
    create("NetParameter", { name: "n", layers: [{ layer: { name: "ip", type: "innerproduct", blobs } }] }),
  );
};

const v1 = () => {
  const blobs = [create("BlobProto", { num: 1, channels: 1, height: 3, width: 4, data: new Float32Array(12) })];
  const type = V1LayerParameter_LayerType.INNER_PRODUCT;
  return encode(
    create("NetParameter", { name: "n", layers: [{ name: "ip", type, bottom: ["data"], top: ["ip"], blobs }] }),
  );
};

const doubles = () => {
  const blobs = [create("BlobProto", { shape: { dim: [3, 4] }, double_data: new Float64Array(12) })];
  return encode(create("NetParameter", { name: "n", layer: [{ name: "ip", type: "InnerProduct", blobs }] }));
};

const caffemodel = (name: string, wholes: () => readonly Uint8Array[]): FuzzReader => ({
  name,
  modules: ["lib/caffe/weights.ts", "lib/caffe/files.ts", "lib/caffe/large.ts", "lib/inspect/identify.ts"],
  open: async (folder) => ({
    wholes: wholes(),
    damages: BOTH,
    read: async (bytes) => {
      const path = put(folder, "x.caffemodel", bytes);
      await readWeights(path);
      await readArtifact(path);
      readByParts(path);
    },
  }),
});

const HDF5 = ["lib/caffe/hdf5-reader.ts", "lib/caffe/hdf5-child.ts"];

/** Readers of weights, solver states, means and ONNX models. */
export const WEIGHTS: readonly FuzzReader[] = [
  caffemodel("caffemodel", () => [encodeWeights(net(), weights), golden(first, "init.caffemodel"), doubles()]),
  caffemodel("caffemodel of V1 layers", () => [v1()]),
  caffemodel("caffemodel of V0 layers", () => [v0()]),
  {
    name: "binary net",
    modules: ["lib/caffe/load.ts"],
    open: async (folder) => ({
      wholes: [encode(net()), v0(), v1()],
      damages: BOTH,
      read: (bytes) => loadNet(put(folder, "x.binaryproto", bytes)),
    }),
  },
  {
    name: "solverstate",
    modules: ["lib/caffe/solver-state.ts", "lib/caffe/large.ts"],
    open: async (folder) => ({
      wholes: [
        encodeSolverState(state),
        golden(first, "snap_iter_6.solverstate"),
        golden(second, "snap_iter_6.solverstate"),
      ],
      damages: BOTH,
      read: async (bytes) => {
        const path = put(folder, "x.solverstate", bytes);
        await readSolverState(path);
        stateByParts(path);
      },
    }),
  },
  {
    name: "caffemodel in HDF5",
    modules: HDF5,
    open: async (folder) => {
      await writeHdf5Weights(join(folder, "whole.h5"), weights);
      return {
        wholes: [readFileSync(join(folder, "whole.h5"))],
        read: (bytes) => readWeights(put(folder, "x.h5", bytes)),
      };
    },
  },
  {
    name: "solverstate in HDF5",
    modules: HDF5,
    open: async (folder) => {
      await writeHdf5State(join(folder, "whole.h5"), state);
      return {
        wholes: [readFileSync(join(folder, "whole.h5"))],
        read: (bytes) => readSolverState(put(folder, "x.h5", bytes)),
      };
    },
  },
  {
    name: "mean image",
    modules: ["lib/data/feed/open-feed.ts"],
    open: async (folder) => ({
      wholes: [mean()],
      damages: BOTH,
      read: (bytes) => readMean(put(folder, "x.binaryproto", bytes)),
    }),
  },
  {
    name: "mean image of a converted net",
    modules: ["lib/convert/preprocess.ts"],
    open: async (folder) => ({
      wholes: [mean()],
      damages: BOTH,
      read: async (bytes) => {
        const meanFile = put(folder, "x.binaryproto", bytes);
        const images = loadNet(
          `\ninput: "data" input_shape { dim: 1 dim: 3 dim: 4 dim: 4 } layer { name: "p" type: "Power" bottom: "data" top: "p" }`,
        ).message;
        await convert(images, new Map(), { preprocess: true, meanFile });
      },
    }),
  },
  {
    name: "blob that a layer names",
    modules: ["lib/run/compile.ts"],
    open: async (folder) => ({
      wholes: [encode(blobProto([1, 1, 3, 3], new Float32Array(9)))],
      damages: BOTH,
      read: (bytes) => {
        put(folder, "x.binaryproto", bytes);
        const infogain = `layer { name: "l" type: "InfogainLoss" infogain_loss_param { source: "x.binaryproto" } }`;
        readSources(loadNet(`\n${infogain}`).message, folder);
      },
    }),
  },
  {
    name: "ONNX: inspect and import-weights",
    modules: ["lib/inspect/identify.ts", "lib/convert/model-weights.ts"],
    open: async (folder) => ({
      wholes: [(await convert(net(), weights)).model],
      damages: BOTH,
      read: async (bytes) => {
        const path = put(folder, "x.onnx", bytes);
        const found = await readArtifact(path);
        if (found.kind === "onnx") printOnnx(found.model);
        importWeights(path, net());
      },
    }),
  },
];
