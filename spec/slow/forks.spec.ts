import { execFileSync } from "node:child_process";
import { closeSync, ftruncateSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { loadNet } from "../../lib/caffe/load.js";
import { readSolverState, statePieces } from "../../lib/caffe/solver-state.js";
import { weightPieces } from "../../lib/caffe/weight-pieces.js";
import { netParts, readWeights } from "../../lib/caffe/weights.js";
import { convert } from "../../lib/convert/index.js";
import { NetrunError } from "../../lib/error.js";
import { writePieces } from "../../lib/file.js";
import { toDot } from "../../lib/inspect/dot.js";
import { inspectEither } from "../../lib/inspect/index.js";
import { exceptionFor } from "../support/published.js";
import { describeShared, sharedPath } from "../support/shared.js";

/** Nets that do not convert, and the reasons. */
const NOT_CONVERTED = [
  ...["cifar10_full_sigmoid_train_test", "cifar10_full_sigmoid_train_test_bn"].map(
    (name) => `bvlc/examples+cifar10+${name}.prototxt: layer "cifar": the shape of "data" is not in the prototxt`,
  ),
  ...["nonlinear_auto_test", "nonlinear_auto_train", "nonlinear_train_val", "train_val"].map(
    (name) =>
      `bvlc/examples+hdf5_classification+${name}.prototxt: layer "data": the shape of "data" is not in the prototxt`,
  ),
  `bvlc/examples+mnist+mnist_autoencoder.prototxt: layer "data": the shape of "data" is not in the prototxt`,
  `bvlc/examples+siamese+mnist_siamese_train_test.prototxt: layer "pair_data": the shape of "pair_data" is not in the prototxt`,
  "sparknet/models+test+test.prototxt: the net computes nothing from its inputs",
];

/** Sizes of data for the nets of that list that have layers to convert. */
const SAID: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>> = {
  cifar10_full_sigmoid_train_test: { data: [1, 3, 32, 32] },
  cifar10_full_sigmoid_train_test_bn: { data: [1, 3, 32, 32] },
  nonlinear_auto_test: { data: [1, 4] },
  nonlinear_auto_train: { data: [1, 4] },
  nonlinear_train_val: { data: [1, 4] },
  "hdf5_classification+train_val": { data: [1, 4] },
  mnist_autoencoder: { data: [1, 1, 28, 28] },
  mnist_siamese_train_test: { pair_data: [1, 2, 28, 28] },
};

describeShared("published nets, of Caffe and of its forks", () => {
  const folder = sharedPath("zoo", "prototxt");
  const nets = (readdirSync(folder, { recursive: true }) as string[]).filter(
    (file) => /\.(prototxt|pt)$/.test(file) && !/_template|solver|labelmap/.test(file),
  );

  it("that do not convert as they are stand in the docs' list", () => {
    const files = NOT_CONVERTED.map((line) => line.slice(0, line.indexOf(": ")));
    expect(files.filter((file) => exceptionFor(file) === undefined)).to.deep.equal([]);
  });

  it("are drawn, all of them", async () => {
    for (const file of nets) {
      const loaded = loadNet(join(folder, file));
      expect(toDot([await inspectEither(loaded.message, loaded)]), file).to.match(/^digraph net \{\n/);
    }
  });

  it("convert, or are in the list of those whose size nobody says", async () => {
    const left: string[] = [];
    for (const file of nets.sort()) {
      try {
        await convert(join(folder, file), new Map(), { allowMissing: true, verify: 0 });
      } catch (error) {
        if (!(error instanceof NetrunError)) throw error;
        left.push(`${file}: ${error.message}`);
      }
    }
    expect(left).to.deep.equal(NOT_CONVERTED);
  }).timeout(600_000);

  it("convert where their sizes are said, those of the list as well", async () => {
    for (const [name, shapes] of Object.entries(SAID)) {
      const file = nets.find((each) => each.endsWith(`+${name}.prototxt`))!;
      const { report } = await convert(join(folder, file), new Map(), { allowMissing: true, verify: 0, shapes });
      for (const [blob, [, ...row]] of Object.entries(shapes))
        expect(report.inputs[blob]!.slice(1), `${name}: ${blob}`).to.deep.equal(row);
    }
  }).timeout(600_000);
});

describe("a .caffemodel of 2.4 GB", () => {
  const folder = mkdtempSync(join(tmpdir(), "netrun-large-"));
  after(() => rmSync(folder, { recursive: true }));

  const varint = (value: number): number[] =>
    value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))];

  /** Layers a, b and c of 200 million weights each or so many, 0 but for the last of each, written where they are not holes of the file. */
  function write(path: string, count = 200e6): void {
    const file = openSync(path, "w");
    let at = 0;
    for (let layer = 0; layer < 3; layer++) {
      const dims = [0x0a, varint(count).length, ...varint(count)];
      const blob = [0x3a, dims.length, ...dims, 0x2a, ...varint(4 * count)];
      const head = [0x0a, 1, 97 + layer, 0x3a, ...varint(blob.length + 4 * count)];
      const field = [...varint((100 << 3) | 2), ...varint(head.length + blob.length + 4 * count), ...head, ...blob];
      writeSync(file, Buffer.from(field), 0, field.length, at);
      at += field.length + 4 * count;
      writeSync(file, Buffer.from(Float32Array.of(layer + 1).buffer), 0, 4, at - 4);
    }
    ftruncateSync(file, at);
    closeSync(file);
  }

  it("is read layer by layer", async () => {
    const path = join(folder, "large.caffemodel");
    write(path);
    const weights = await readWeights(path);
    expect(Array.from(weights, ([name, [blob]]) => [name, blob!.data.length, blob!.data.at(-1)])).to.deep.equal([
      ["a", 200e6, 1],
      ["b", 200e6, 2],
      ["c", 200e6, 3],
    ]);
  }).timeout(120_000);

  it("is read as one of 1.2 GB is, without a flag", async () => {
    const path = join(folder, "smaller.caffemodel");
    write(path, 100e6);
    const weights = await readWeights(path);
    expect(Array.from(weights.values(), ([blob]) => blob!.data.at(-1))).to.deep.equal([1, 2, 3]);
  }).timeout(120_000);

  it("is written, and so is a solver's state as large", async () => {
    const blob = { shape: [150, 1000, 1000], data: new Float32Array(150e6).fill(1) };
    const net = loadNet(`layer { name: "a" type: "Parameter" top: "a" } layer { name: "b" type: "Parameter" top: "b" }
      layer { name: "c" type: "Parameter" top: "c" } layer { name: "d" type: "Parameter" top: "d" }`).message;
    const path = join(folder, "written.caffemodel");
    writePieces(path, weightPieces(net, new Map(["a", "b", "c", "d"].map((name) => [name, [blob]]))));
    expect(statSync(path).size).to.be.greaterThan(2.4e9);
    expect([...netParts(path)].flatMap(({ layers }) => layers.map(({ name }) => name))).to.deep.equal([..."abcd"]);
    const state = { iter: 7, learned_net: "w", current_step: 3, history: [blob, blob] };
    writePieces(path, statePieces(state));
    const read = await readSolverState(path);
    expect({
      ...read,
      history: read.history.map(({ shape, data }) => [shape, data.length, data.at(-1)]),
    }).to.deep.equal({
      ...state,
      history: state.history.map(() => [blob.shape, 150e6, 1]),
    });
  }).timeout(240_000);

  it("is inspected in less memory than its weights have", () => {
    const path = join(folder, "large.caffemodel");
    write(path);
    const script = `import { readFileSync } from "node:fs";
      const { inspectFile } = await import(process.argv[1]);
      const { lines } = await inspectFile(process.argv[2]);
      const [, kilobytes] = /VmHWM:\\s+(\\d+)/.exec(readFileSync("/proc/self/status", "utf8"));
      console.log(JSON.stringify([lines, kilobytes / 1024]));`;
    const inspect = fileURLToPath(new URL("../../lib/inspect/inspect.js", import.meta.url));
    const words = ["--input-type=module", "-e", script, inspect, path];
    const [lines, megabytes] = JSON.parse(execFileSync(process.execPath, words, { encoding: "utf8" }));
    expect(lines[0]).to.equal("weights : 3 layers, 600,000,000 parameters");
    expect(lines.slice(2).map((line: string) => line.split(/ +/)[3])).to.deep.equal(["1", "2", "3"]);
    expect(megabytes).to.be.lessThan(2000);
  }).timeout(120_000);
});
