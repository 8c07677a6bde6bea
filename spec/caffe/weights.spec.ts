import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import protobuf from "protobufjs";
import { readHdf5State, readHdf5Weights, writeHdf5State, writeHdf5Weights } from "../../lib/caffe/hdf5.js";
import { loadNet } from "../../lib/caffe/load.js";
import { create, decode, encode } from "../../lib/caffe/message.js";
import { V1LayerParameter_LayerType } from "../../lib/caffe/messages.js";
import { decodeSolverState, encodeSolverState, readSolverState, stateByParts } from "../../lib/caffe/solver-state.js";
import type { StoredWeights } from "../../lib/caffe/stored.js";
import { encodeWeights } from "../../lib/caffe/weight-pieces.js";
import { decodeWeights, readByParts, readWeights, weightsOf } from "../../lib/caffe/weights.js";
import { NetrunError } from "../../lib/error.js";
import { describeShared, goldenPath, sharedPath } from "../support/shared.js";

const folder = mkdtempSync(join(tmpdir(), "netrun-weights-"));
after(() => rmSync(folder, { recursive: true }));

const shapes = (weights: StoredWeights) =>
  Object.fromEntries([...weights].map(([name, blobs]) => [name, blobs.map(({ shape }) => shape)]));

async function refusal(load: () => unknown): Promise<string> {
  try {
    await load();
  } catch (error) {
    if (error instanceof NetrunError) return error.format().replaceAll(folder, "DIR");
    throw error;
  }
  throw new Error("not refused");
}

describeShared("weights that were published", () => {
  it("are read from V1 files, whose shapes have four dims", async () => {
    const lenet = await readWeights(sharedPath("zoo", "models", "lenet_iter_10000.caffemodel"));
    expect(shapes(lenet)).to.deep.equal({
      conv1: [
        [20, 1, 5, 5],
        [1, 1, 1, 20],
      ],
      conv2: [
        [50, 20, 5, 5],
        [1, 1, 1, 50],
      ],
      ip1: [
        [1, 1, 500, 800],
        [1, 1, 1, 500],
      ],
      ip2: [
        [1, 1, 10, 500],
        [1, 1, 1, 10],
      ],
    });
    expect(lenet.get("ip2")![1]!.legacy).to.equal(true);
  });

  it("are read from a fork's file", async () => {
    const mtcnn = await readWeights(sharedPath("zoo", "models", "mtcnn_det1.caffemodel"));
    expect(shapes(mtcnn)).to.include.keys("PReLU1", "conv4-2");
    expect(mtcnn.get("PReLU1")!.map(({ shape }) => shape)).to.deep.equal([[10]]);
  });
});

describe("weights that Caffe wrote", () => {
  it("are read from HDF5, with the solver's state", async () => {
    const snapshot = (end: string) => goldenPath("solvers", "adagrad", `snap_iter_6.${end}.h5`);
    expect(shapes(await readWeights(snapshot("caffemodel")))).to.deep.equal({
      conv: [[4, 2, 3, 3], [4]],
      ip: [[5, 36], [5]],
    });
    const state = await readSolverState(snapshot("solverstate"));
    expect([state.iter, state.current_step, state.learned_net]).to.deep.equal([6, 0, "snap_iter_6.caffemodel.h5"]);
    expect(state.history.map(({ shape }) => shape)).to.deep.equal([[4, 2, 3, 3], [4], [5, 36], [5]]);
  });

  it("are written as Caffe writes them", () => {
    const bytes = readFileSync(goldenPath("solvers", "adam", "snap_iter_6.caffemodel"));
    const written = encodeWeights(decode("NetParameter", bytes), weightsOf(decodeWeights(bytes)));
    expect(Buffer.from(written).equals(bytes)).to.equal(true);
    const state = readFileSync(goldenPath("solvers", "adam", "snap_iter_6.solverstate"));
    expect(Buffer.from(encodeSolverState(decodeSolverState(state))).equals(state)).to.equal(true);
    expect(stateByParts(goldenPath("solvers", "adam", "snap_iter_6.solverstate"))).to.deep.equal(
      decodeSolverState(state),
    );
  });
});

describe("reading weights", () => {
  const blob = { shape: { dim: [2] }, data: [1, 2] };

  it("takes layers of every version, the type by today's name", () => {
    const bytes = encode(
      create("NetParameter", {
        layers: [
          { name: "a", type: V1LayerParameter_LayerType.INNER_PRODUCT, blobs: [blob] },
          { layer: { name: "b", type: "conv", blobs: [{ num: 1, channels: 1, height: 1, width: 2, data: [3, 4] }] } },
        ],
        layer: [{ name: "c", type: "Scale", bottom: ["x"], blobs: [blob] }],
      }),
    );
    const { layers } = decodeWeights(bytes);
    expect(layers.map(({ name, type, blobs }) => [name, type, blobs[0]!.shape])).to.deep.equal([
      ["a", "InnerProduct", [2]],
      ["b", "conv", [1, 1, 1, 2]],
      ["c", "Scale", [2]],
    ]);
  });

  it("reads the raw values of NVIDIA's fork, in half, single and double precision", () => {
    const raw = (type: number, bytes: ArrayBufferView) => {
      const shape = protobuf.Writer.create()
        .uint32((1 << 3) | 0)
        .int64(2)
        .finish();
      const blob = protobuf.Writer.create()
        .uint32((7 << 3) | 2)
        .bytes(shape)
        .uint32(10 << 3)
        .int32(type);
      blob.uint32((12 << 3) | 2).bytes(new Uint8Array(bytes.buffer));
      const layer = protobuf.Writer.create()
        .uint32((1 << 3) | 2)
        .string("a")
        .uint32((7 << 3) | 2)
        .bytes(blob.finish());
      return protobuf.Writer.create()
        .uint32((100 << 3) | 2)
        .bytes(layer.finish())
        .finish();
    };
    const values = (bytes: Uint8Array) => [...weightsOf(decodeWeights(bytes)).get("a")![0]!.data];
    expect(values(raw(2, Uint16Array.of(0x3c00, 0xc100)))).to.deep.equal([1, -2.5]);
    expect(values(raw(1, Float32Array.of(0.5, 3)))).to.deep.equal([0.5, 3]);
    expect(values(raw(0, Float64Array.of(0.25, -1)))).to.deep.equal([0.25, -1]);
    expect(() => decodeWeights(raw(4, Uint16Array.of(1)))).to.throw(NetrunError);
  });

  it("skips fields to which a fork gave another meaning", () => {
    const layer = protobuf.Writer.create()
      .uint32((1 << 3) | 2)
      .string("a");
    // Field 106 is convolution_param in Caffe; here it is bytes that are no such message.
    layer.uint32((106 << 3) | 2).bytes(Uint8Array.of(255, 255, 255));
    layer.uint32((7 << 3) | 2).bytes(encode(create("BlobProto", blob)));
    const net = protobuf.Writer.create()
      .uint32((100 << 3) | 2)
      .bytes(layer.finish())
      .finish();
    expect(() => decode("NetParameter", net)).to.throw(NetrunError);
    expect(shapes(weightsOf(decodeWeights(net)))).to.deep.equal({ a: [[2]] });
  });

  it("takes layers without a name or a type, as any file may have them", () => {
    const bytes = encode(create("NetParameter", { layer: [{ blobs: [blob] }], layers: [{ blobs: [blob] }] }));
    const { layers } = decodeWeights(bytes);
    expect(layers.map(({ name, type, bottom }) => [name, type, bottom])).to.deep.equal([
      ["", "", []],
      ["", "", []],
    ]);
  });

  it("refuses a shape that its values do not fill, a file that is cut off, and other files", async () => {
    const net = (dim: number[]) =>
      encode(create("NetParameter", { layer: [{ name: "a", blobs: [{ ...blob, shape: { dim } }] }] }));
    expect(await refusal(() => decodeWeights(net([2 ** 40]), "w"))).to.equal(
      'w: blob 0 of layer "a" has shape [1099511627776] but 2 values\nnote: the file is damaged',
    );
    expect(await refusal(() => decodeWeights(net([-1, -2]), "w"))).to.match(/has shape \[-1,-2\] but 2 values/);
    const path = join(folder, "cut.caffemodel");
    writeFileSync(path, net([2]).subarray(0, 10));
    expect(await refusal(() => readWeights(path))).to.match(/^DIR\/cut.caffemodel: not a complete binary NetParameter/);
    const hdf5 = join(folder, "cut.h5");
    writeFileSync(hdf5, Buffer.from("\x89HDF\r\n\x1a\n and no more", "latin1"));
    expect(await refusal(() => readWeights(hdf5))).to.match(
      /^DIR\/cut.h5: cannot be read as HDF5: the file is damaged/,
    );
  });
});

describe("writing weights", () => {
  const net = loadNet('name: "n" layer { name: "a/b" type: "InnerProduct" } layer { name: "r" type: "ReLU" }').message;
  const weights: StoredWeights = new Map([
    ["a/b", [{ shape: [1, 2], data: Float32Array.of(1, 2), diff: Float32Array.of(3, 4) }]],
    ["gone", [{ shape: [], data: Float32Array.of(1) }]],
  ]);

  it("puts blobs and gradients into the layers of the net", () => {
    const { name, layers } = decodeWeights(encodeWeights(net, weights));
    expect([name, layers.map((layer) => layer.name)]).to.deep.equal(["n", ["a/b", "r"]]);
    expect(layers[0]!.blobs).to.deep.equal(weights.get("a/b"));
    expect(layers[1]!.blobs).to.deep.equal([]);
  });

  it("writes HDF5 that reads back, even with slashes in layer names", async () => {
    const path = join(folder, "w.h5");
    await writeHdf5Weights(path, weights);
    const read = await readHdf5Weights(path);
    expect(read.get("a/b")).to.deep.equal(weights.get("a/b"));
    const state = {
      iter: 7,
      learned_net: "w.h5",
      current_step: 2,
      history: [{ shape: [2], data: Float32Array.of(5, 6) }],
    };
    const statePath = join(folder, "s.h5");
    await writeHdf5State(statePath, state);
    expect(await readHdf5State(statePath)).to.deep.equal(state);
  });
});

describe("weights that are read by parts, as files over 2 GB are", () => {
  const net = encode(
    create("NetParameter", {
      name: "n",
      layer: [
        { name: "a", type: "InnerProduct", blobs: [{ shape: { dim: [2, 3] }, data: [1, 2, 3, 4, 5, 6] }] },
        { name: "b", type: "ReLU" },
      ],
      layers: [{ name: "old", blobs: [{ num: 1, channels: 1, height: 1, width: 2, data: [7, 8] }] }],
    }),
  );

  it("are those of the file read whole", () => {
    const path = join(folder, "parts.caffemodel");
    writeFileSync(path, net);
    const byName = ({ layers }: { readonly layers: readonly { readonly name: string }[] }) =>
      [...layers].sort((a, b) => a.name.localeCompare(b.name));
    expect(byName(readByParts(path))).to.deep.equal(byName(decodeWeights(net)));
    expect(readByParts(path).name).to.equal("n");
  });

  it("are refused where the file is cut off", async () => {
    const path = join(folder, "cut-parts.caffemodel");
    writeFileSync(path, net.subarray(0, net.length - 3));
    expect(await refusal(() => readByParts(path))).to.match(
      /^DIR\/cut-parts.caffemodel: a field of \d+ bytes at byte \d+ is not complete/,
    );
  });
});
