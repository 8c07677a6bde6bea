import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { ClassicLevel } from "classic-level";
import { zipSync } from "fflate";
import { parquetWriteBuffer } from "hyparquet-writer";
import sharp from "sharp";
import { blobProto } from "../../lib/caffe/blob.js";
import { writeHdf5State, writeHdf5Weights } from "../../lib/caffe/hdf5.js";
import { loadNet } from "../../lib/caffe/load.js";
import { create, decode, encode } from "../../lib/caffe/message.js";
import { encodeSolverState, readSolverState } from "../../lib/caffe/solver-state.js";
import { storedBlob } from "../../lib/caffe/stored.js";
import { encodeWeights, readWeights } from "../../lib/caffe/weights.js";
import { importWeights } from "../../lib/convert/import.js";
import { convert } from "../../lib/convert/index.js";
import { decodeImage } from "../../lib/data/image/image.js";
import { columnsOf } from "../../lib/data/source/columns.js";
import { openSource, type SourceSpec } from "../../lib/data/source/open.js";
import { readTensors } from "../../lib/data/source/recorded/index.js";
import { WHOLE } from "../../lib/data/source/source.js";
import { saveRows } from "../../lib/data/source/table/save.js";
import { readWindowList } from "../../lib/data/source/windows/list.js";
import { NetrunError } from "../../lib/error.js";
import { readArtifact } from "../../lib/inspect/identify.js";
import { keepAfterFailures } from "../../lib/isolated.js";
import { mutateStructure } from "../support/mutate-structure.js";
import { safetensorsOf } from "../support/safetensors.js";
import { root } from "../support/shared.js";
import { type Watch, watchCases } from "../support/watch.js";
import { writeLmdb } from "../support/write-lmdb.js";

/** Damaged files for each reader, at most; those that start a process for each read fewer in their time. */
const CASES = Number(process.env["FUZZ_CASES"] ?? 5000);
const TIME_MS = Number(process.env["FUZZ_MS"] ?? 12_000);
/** Rerun one case with FUZZ_SEED=its seed FUZZ_CASES=1. */
const SEED = Number(process.env["FUZZ_SEED"] ?? 20260000);
const LIMIT_MS = 10_000;
/** What a file may ask for here, and what reading it may add to resident memory: garbage is counted too. */
const MAX_ALLOC = "64M";
const MAX_GROWTH = 2 ** 30;

async function rows(spec: SourceSpec): Promise<void> {
  await using source = await openSource(spec);
  for await (const batch of source.batches(WHOLE)) columnsOf(batch);
}

/** Ends the process where a case never ends, and says which. */
let watch: Watch | undefined;
let running = "";

async function fuzz(whole: Uint8Array, read: (bytes: Uint8Array) => unknown): Promise<void> {
  await read(whole);
  const before = process.memoryUsage().rss;
  const end = performance.now() + TIME_MS;
  let cases = 0;
  for (; cases < CASES && performance.now() < end; cases++) {
    const seed = SEED + cases;
    const start = performance.now();
    watch?.begin(running, seed);
    try {
      await read(mutateStructure(whole, seed));
    } catch (error) {
      if (!(error instanceof NetrunError))
        throw new Error(`seed ${seed} throws what is no NetrunError: ${(error as Error).stack}`, { cause: error });
      error.format();
    }
    watch?.end();
    const ms = performance.now() - start;
    if (ms > LIMIT_MS) throw new Error(`seed ${seed} takes ${ms.toFixed(0)} ms`);
    const growth = process.memoryUsage().rss - before;
    if (growth > MAX_GROWTH) throw new Error(`seed ${seed}: resident memory has grown by ${growth} bytes`);
  }
  console.log(`        seeds ${SEED} to ${SEED + cases - 1}`);
}

describe("damaged files of each reader", function () {
  this.timeout(TIME_MS + 60_000);
  const folder = mkdtempSync(join(tmpdir(), "netrun-fuzz-"));
  before(() => {
    process.env["NETRUN_MAX_ALLOC"] = MAX_ALLOC;
    process.env["NETRUN_CACHE"] = join(folder, "cache");
    // Damaged pages may keep a Parquet reader busy for ever.
    process.env["NETRUN_READ_TIMEOUT_MS"] = String(LIMIT_MS / 2);
    // One process for each of thousands of cases would take most of the time.
    keepAfterFailures(500);
    watch = watchCases(3 * LIMIT_MS);
  });
  beforeEach(function () {
    running = this.currentTest?.title ?? "";
  });
  after(() => {
    keepAfterFailures(0);
    watch?.[Symbol.dispose]();
    delete process.env["NETRUN_MAX_ALLOC"];
    delete process.env["NETRUN_CACHE"];
    delete process.env["NETRUN_READ_TIMEOUT_MS"];
    rmSync(folder, { recursive: true });
  });

  const put = (name: string, bytes: Uint8Array) => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return path;
  };
  const asFile = (name: string, spec: (path: string) => SourceSpec) => (bytes: Uint8Array) =>
    rows(spec(put(name, bytes)));
  const datum = (i: number) =>
    encode(create("Datum", { channels: 1, height: 2, width: 3, data: new Uint8Array(6), label: i }));
  const idx = (dims: readonly number[]) =>
    Buffer.concat([
      Buffer.of(0, 0, 8, dims.length, ...dims.flatMap((dim) => [0, 0, 0, dim])),
      new Uint8Array(dims.reduce((a, b) => a * b)),
    ]);

  it("LMDB", () => {
    writeLmdb(
      join(folder, "whole.mdb"),
      Array.from({ length: 200 }, (_, i) => [String(i).padStart(4, "0"), datum(i)] as const),
    );
    return fuzz(
      readFileSync(join(folder, "whole.mdb")),
      asFile("x.mdb", (path) => ({ kind: "lmdb", path })),
    );
  });

  it("Datum", () =>
    fuzz(datum(3), (bytes) => {
      writeLmdb(join(folder, "d.mdb"), [["0", bytes]]);
      return rows({ kind: "lmdb", path: join(folder, "d.mdb") });
    }));

  it("LevelDB: each of its files in turn", async () => {
    const path = join(folder, "level");
    const db = new ClassicLevel<string, Uint8Array>(path, { valueEncoding: "view" });
    for (let i = 0; i < 100; i++) await db.put(String(i).padStart(4, "0"), datum(i));
    await db.compactRange("0", "9");
    for (let i = 100; i < 110; i++) await db.put(String(i).padStart(4, "0"), datum(i));
    await db.close();
    for (const name of readdirSync(path).filter((each) => /^(CURRENT|MANIFEST.*|\d+\.(ldb|log))$/.test(each))) {
      const copy = join(folder, "level-copy");
      rmSync(copy, { recursive: true, force: true });
      mkdirSync(copy);
      cpSync(path, copy, { recursive: true });
      await fuzz(readFileSync(join(path, name)), (bytes) => {
        writeFileSync(join(copy, name), bytes);
        return rows({ kind: "leveldb", path: copy });
      });
    }
  }).timeout(6 * TIME_MS);

  it("IDX", () => {
    const labels = put("labels", idx([9]));
    return fuzz(
      idx([9, 4, 5]),
      asFile("images", (images) => ({ kind: "idx", images, labels })),
    );
  });
  it("IDX, compressed", () => {
    const labels = put("labels.gz", gzipSync(idx([9])));
    return fuzz(
      gzipSync(idx([9, 4, 5])),
      asFile("images.gz", (images) => ({ kind: "idx", images, labels })),
    );
  });

  it("Arrow", async () => {
    const path = join(folder, "whole.arrow");
    await saveRows(
      path,
      Array.from({ length: 50 }, (_, x) => ({ x, data: new Float32Array(4), bytes: new Uint8Array(3) })),
    );
    await fuzz(
      readFileSync(path),
      asFile("x.arrow", (each) => ({ kind: "arrow", path: each })),
    );
  });
  for (const codec of ["lz4", "zstd"])
    it(`Arrow, compressed by ${codec}`, () =>
      fuzz(
        readFileSync(join(root, `fixtures/data/${codec}.arrow`)),
        asFile("x.arrow", (path) => ({ kind: "arrow", path })),
      ));

  it("Parquet", () => {
    const data = Array.from({ length: 100 }, (_, i) => i * 1.5);
    const whole = new Uint8Array(parquetWriteBuffer({ columnData: [{ name: "a", data, type: "DOUBLE" }] }));
    return fuzz(
      whole,
      asFile("x.parquet", (path) => ({ kind: "parquet", path })),
    );
  });

  it("HDF5", () =>
    fuzz(
      readFileSync(join(root, "fixtures/data/half.h5")),
      asFile("x.h5", (path) => ({ kind: "hdf5", files: [path] })),
    ));

  it("CSV, compressed", () => {
    const text = Array.from({ length: 30 }, (_, i) => `${i},${i / 3},"t${i % 3}"\n`).join("");
    return fuzz(
      gzipSync(`a,b,label\n${text}`),
      asFile("x.csv.gz", (path) => ({ kind: "csv", path })),
    );
  });

  it("CSV", () => {
    const text = Array.from({ length: 30 }, (_, i) => `${i},${i / 3},"t${i % 3}"\n`).join("");
    return fuzz(
      Buffer.from(`a,b,label\n${text}`),
      asFile("x.csv", (path) => ({ kind: "csv", path })),
    );
  });
  it("texts", () =>
    fuzz(
      Buffer.from("good\tsome words, and more\nbad\tother words\n".repeat(8)),
      asFile("x.txt", (path) => ({ kind: "text", path, length: 8, tokens: 50, hash: false })),
    ));
  it("lists of images", () => {
    writeFileSync(join(folder, "one.png"), "no image");
    return fuzz(
      Buffer.from("one.png 1\none.png 0\n".repeat(8)),
      asFile("list.txt", (list) => ({ kind: "images", list, root: `${folder}/` })),
    );
  });
  it("lists of windows", () =>
    fuzz(
      Buffer.from(
        "# 0\na.jpg\n3\n40\n30\n2\n1 0.9 0 0 9 9\n0 0.1 1 1 5 5\n".repeat(4).replace(
          /# 0/g,
          (() => {
            let i = 0;
            return () => `# ${i++}`;
          })(),
        ),
      ),
      (bytes) => readWindowList(put("windows.txt", bytes), 0.5, 0.5),
    ));
  it("BMP", () => {
    const header = Buffer.alloc(54);
    header.write("BM", "latin1");
    for (const [at, value] of [
      [2, 54 + 8 * 24],
      [10, 54],
      [14, 40],
      [18, 8],
      [22, 8],
      [34, 8 * 24],
    ] as const)
      header.writeUInt32LE(value, at);
    header.writeUInt16LE(1, 26);
    header.writeUInt16LE(24, 28);
    return fuzz(Buffer.concat([header, Buffer.alloc(8 * 24, 7)]), (bytes) => decodeImage(bytes, "color"));
  });

  const net = () =>
    loadNet(
      `\nname: "n" input: "data" input_shape { dim: 1 dim: 4 } layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 3 } }`,
    ).message;
  const weights = new Map([
    [
      "ip",
      [
        { shape: [3, 4], data: new Float32Array(12) },
        { shape: [3], data: new Float32Array(3) },
      ],
    ],
  ]);
  const state = { iter: 7, learned_net: "w", current_step: 1, history: weights.get("ip")! };

  it("caffemodel", () =>
    fuzz(encodeWeights(net(), weights), async (bytes) => {
      const path = put("x.caffemodel", bytes);
      await readWeights(path);
      await readArtifact(path);
    }));
  it("solverstate", () => fuzz(encodeSolverState(state), (bytes) => readSolverState(put("x.solverstate", bytes))));
  it("binaryproto", () =>
    fuzz(encode(blobProto([1, 3, 4, 4], new Float32Array(48))), (bytes) =>
      storedBlob(decode("BlobProto", bytes, "mean"), "the blob", "mean"),
    ));
  it("caffemodel in HDF5", async () => {
    await writeHdf5Weights(join(folder, "whole.h5"), weights);
    await fuzz(readFileSync(join(folder, "whole.h5")), (bytes) => readWeights(put("x.h5", bytes)));
  });
  it("solverstate in HDF5", async () => {
    await writeHdf5State(join(folder, "whole.h5"), state);
    await fuzz(readFileSync(join(folder, "whole.h5")), (bytes) => readSolverState(put("x.h5", bytes)));
  });
  it("ONNX: inspect and import-weights", async () => {
    const { model } = await convert(net(), weights);
    await fuzz(model, async (bytes) => {
      await readArtifact(put("x.onnx", bytes));
      importWeights(bytes, net());
    });
  });

  it(".npz", () => {
    const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`.padEnd(117);
    const npy = Buffer.concat([
      Buffer.from("\x93NUMPY\x01\x00\x76\x00", "latin1"),
      Buffer.from(`${header}\n`),
      new Uint8Array(24),
    ]);
    return fuzz(zipSync({ "a.npy": npy, "b.npy": npy }), (bytes) => readTensors(put("x.npz", bytes)));
  });
  it(".safetensors", () =>
    fuzz(
      safetensorsOf({ a: { shape: [2, 3], data: new Float32Array(6) }, b: { shape: [4], data: new Float32Array(4) } }),
      (bytes) => readTensors(put("x.safetensors", bytes)),
    ));

  for (const format of ["png", "jpeg", "webp", "gif", "tiff"] as const)
    it(format, async () => {
      const pixels = Uint8Array.from({ length: 40 * 30 * 3 }, (_, i) => (i * 7) % 256);
      const whole = await sharp(pixels, { raw: { width: 40, height: 30, channels: 3 } })
        .toFormat(format)
        .toBuffer();
      await fuzz(whole, (bytes) => decodeImage(bytes, "color"));
    });
});
