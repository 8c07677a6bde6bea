import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { loadNet, loadSolver } from "../../lib/caffe/load.js";
import { readSolverState } from "../../lib/caffe/solver-state.js";
import { readWeights } from "../../lib/caffe/weights.js";
import { readModelWeights } from "../../lib/convert/model-weights.js";
import { readMean } from "../../lib/data/feed/open-feed.js";
import { openSource } from "../../lib/data/source/open.js";
import { readTensors } from "../../lib/data/source/recorded/index.js";
import { NetrunError } from "../../lib/error.js";
import { readArtifact } from "../../lib/inspect/identify.js";
import { readSideState } from "../../lib/train/side-state.js";
import { failure } from "../support/failure.js";
import { freshFolder } from "../support/folder.js";
import { withMaxAlloc } from "../support/limit.js";
import { writeLmdb } from "../support/write-lmdb.js";

const LEVELS = 100_000;
const varint = (value: bigint): number[] => {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7n) {
    bytes.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
    if (rest <= 127n) return bytes;
  }
};

/** Messages whose fields no reader should follow or believe. */
const MESSAGES: Readonly<Record<string, Uint8Array>> = {
  "100,000 groups in one another": Buffer.concat([
    Buffer.alloc(LEVELS, (15 << 3) | 3),
    Buffer.alloc(LEVELS, (15 << 3) | 4),
  ]),
  "a group that never ends": Buffer.of(8, 1, (15 << 3) | 3),
  "fields of 2 GB": Buffer.concat(
    [1, 2, 3, 5, 7, 8, 100].map((id) => Buffer.from([...varint(BigInt(id << 3) | 2n), ...varint(2n ** 31n - 1n)])),
  ),
  "a field of 2^63 bytes": Buffer.from([8, 1, 42, ...varint(2n ** 63n)]),
  "100,000 messages in one another": (() => {
    // A layer's field 100 in itself; lengths grow inwards to outwards.
    let bytes: Buffer = Buffer.alloc(0);
    for (let level = 0; level < 2000; level++)
      bytes = Buffer.concat([Buffer.from([...varint((100n << 3n) | 2n), ...varint(BigInt(bytes.length))]), bytes]);
    return bytes;
  })(),
};

describe("messages of extreme lengths and depths", () => {
  const folder = freshFolder();
  const readers: Readonly<Record<string, (path: string, bytes: Uint8Array) => unknown>> = {
    "as weights": (path) => readWeights(path),
    "as a net": (path) => loadNet(path),
    "as a solver": (path) => loadSolver(path),
    "as a solver state": (path) => readSolverState(path),
    "as a mean image": (path) => readMean(path),
    "as an ONNX model": (path) => readModelWeights(path),
    inspected: (path) => readArtifact(path),
    "as a Datum": async (path, bytes) => {
      writeLmdb(path, [["0", bytes]]);
      await (await openSource({ kind: "lmdb", path }))[Symbol.asyncDispose]();
    },
  };
  for (const [what, bytes] of Object.entries(MESSAGES))
    it(`are read or refused: ${what}`, async () => {
      for (const [how, read] of Object.entries(readers)) {
        const path = join(folder(), "x.bin");
        writeFileSync(path, bytes);
        const outcome = await (async () => read(path, bytes))().then(
          () => undefined,
          (error: unknown) => error,
        );
        if (outcome !== undefined) expect(outcome, how).to.be.instanceOf(NetrunError);
      }
    });
});

describe("texts of extreme depth", () => {
  const folder = freshFolder();
  const refused = async (read: () => unknown): Promise<NetrunError> => {
    const error = await (async () => read())().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).to.be.instanceOf(NetrunError);
    return error as NetrunError;
  };

  for (const [open, close] of [
    ["layer { ", "} "],
    ["x < ", "> "],
    ["[", "]"],
  ] as const)
    it(`are refused as prototxts: ${open}`, async () => {
      const text = `\nname: "n"\n${open.repeat(LEVELS)}${close.repeat(LEVELS)}`;
      await refused(() => loadNet(text, { strict: true }));
      await refused(() => loadSolver(text, { strict: true }));
    });

  it("are refused as JSON: side states, and headers of .safetensors", async () => {
    const deep = "[".repeat(LEVELS) + "]".repeat(LEVELS);
    const header = Buffer.from(`{"a":{"dtype":"F32","shape":${deep},"data_offsets":[0,0]}}`);
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    const path = join(folder(), "x.safetensors");
    writeFileSync(path, Buffer.concat([length, header]));
    await refused(() => readTensors(path));
    writeFileSync(join(folder(), "x.netrunstate"), `{"version":2,"positions":${deep}}`);
    await refused(() => readSideState(join(folder(), "x.solverstate"), 1));
  });
});

describe("messages by the thousand", () => {
  const folder = freshFolder();

  it("are refused where they are more than may be in memory, though an empty one has two bytes in a file", async () => {
    const put = (name: string, bytes: Uint8Array) => {
      writeFileSync(join(folder(), name), bytes);
      return join(folder(), name);
    };
    const many = (bytes: Uint8Array) => Buffer.concat(Array<Uint8Array>(5000).fill(bytes));
    const field = (id: number, bytes: Uint8Array) =>
      Buffer.from([...varint((BigInt(id) << 3n) | 2n), ...varint(BigInt(bytes.length)), ...bytes]);
    const empty = Buffer.alloc(0);
    const layers = put("layers.bin", many(field(100, empty)));
    const blobs = put("blobs.bin", field(100, Buffer.concat([field(1, Buffer.from("a")), many(field(7, empty))])));
    const state = put("x.solverstate", Buffer.concat([Buffer.of(8, 1), many(field(3, empty))]));
    const model = put("x.onnx", field(7, many(field(1, empty))));
    const text = put("net.prototxt", Buffer.from("layer {}\n".repeat(5000)));
    await withMaxAlloc("15M", async () => {
      for (const read of [() => readWeights(layers), () => loadNet(layers), () => readWeights(blobs)])
        await failure((async () => read())(), "messages or more would take 16.0 MiB, and the limit is 15.0 MiB");
      await failure((async () => readModelWeights(model))(), `${model}: 4096 messages or more would take`);
      await failure(readArtifact(model), `${model}: is a damaged ONNX model`);
      await failure(readSolverState(state), `${state}: 4096 messages or more`);
      await failure((async () => loadNet(text))(), `${text}:3841:1: more messages than may be in memory`);
    });
    expect(loadNet(text).message.layer).to.have.length(5000);
  });
});
