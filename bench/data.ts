import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { create, encode } from "../lib/caffe/message.js";
import { sourceFeedSpec } from "../lib/data/feed/feed.js";
import { openLocalFeed } from "../lib/data/feed/open-feed.js";
import type { TransformSpec } from "../lib/data/feed/transform.js";
import type { SourceSpec } from "../lib/data/source/open.js";
import { Solver, train } from "../lib/index.js";
import { prng } from "../spec/support/prng.js";
import { writeLmdb } from "../spec/support/write-lmdb.js";

// What data costs: how fast one core turns LMDB records into batches, how long a training waits for them, and how much memory a
// large file takes. Prints the table of docs/performance.md. Run with `node dist/bench/data.js [GIGABYTES]`; the file for the
// memory test has 2 GB unless said.

interface Case {
  readonly name: string;
  readonly channels: number;
  readonly size: number;
  readonly rows: number;
  readonly transform: TransformSpec;
}

const base = { scale: 1, mirror: false, cropSize: 0, meanValues: [] } as const;
const CASES: readonly Case[] = [
  { name: "MNIST 1x28x28, scale", channels: 1, size: 28, rows: 20_000, transform: { ...base, scale: 1 / 256 } },
  { name: "CIFAR-10 3x32x32, as it is", channels: 3, size: 32, rows: 10_000, transform: base },
  {
    name: "CIFAR-10 3x32x32, mean values",
    channels: 3,
    size: 32,
    rows: 10_000,
    transform: { ...base, meanValues: [104, 117, 123] },
  },
  {
    name: "ImageNet 3x256x256, mean, crop 227, mirror",
    channels: 3,
    size: 256,
    rows: 400,
    transform: { ...base, meanValues: [104, 117, 123], cropSize: 227, mirror: true },
  },
];

const random = prng(1);
const folder = mkdtempSync(join(tmpdir(), "netrun-bench-"));
console.log("| data | result | rows/s |\n| --- | --- | --- |");
try {
  // Before the others, whose memory would be counted too.
  for (const shuffle of [undefined, 1]) await memoryCase(Number(process.argv[2] ?? 2), shuffle);
  for (const each of CASES) await rawCase(each);
  await jpegCase();
  await waitCase();
} finally {
  rmSync(folder, { recursive: true });
}

function* datums(rows: number, make: (i: number) => Parameters<typeof create<"Datum">>[1]) {
  for (let i = 0; i < rows; i++) yield [String(i).padStart(8, "0"), encode(create("Datum", make(i)))] as const;
}

async function rawCase({ name, channels, size, rows, transform }: Case): Promise<void> {
  const path = join(folder, "data.mdb");
  const bytes = channels * size * size;
  const data = Uint8Array.from({ length: bytes }, () => random() * 256);
  writeLmdb(
    path,
    datums(rows, (label) => ({ channels, height: size, width: size, data, label })),
  );
  const seconds = await measure({ kind: "lmdb", path }, 100, rows, transform);
  report(name, `${((rows * bytes) / 1e6 / seconds).toFixed(0)} MB/s`, rows / seconds);
}

async function jpegCase(): Promise<void> {
  const path = join(folder, "jpeg.mdb");
  const raw = { width: 32, height: 32, channels: 3 } as const;
  const jpegs = await Promise.all(
    Array.from({ length: 50 }, () => {
      const pixels = Uint8Array.from({ length: 3072 }, (_, i) => 128 + 60 * Math.sin(i / 40) + 30 * random());
      return sharp(pixels, { raw }).jpeg({ quality: 95 }).toBuffer();
    }),
  );
  const rows = 5000;
  writeLmdb(
    path,
    datums(rows, (i) => ({ data: jpegs[i % 50]!, label: i % 10, encoded: true })),
  );
  const seconds = await measure({ kind: "lmdb", path }, 100, rows, base);
  report("CIFAR-10 as JPEG", `${((seconds / rows) * 1e5).toFixed(1)} ms a batch of 100`, rows / seconds);
}

/** Trains CIFAR-10 quick on the JPEGs of the case before. */
async function waitCase(): Promise<void> {
  const settings = { max_iter: 80, display: 0, snapshot: 0, snapshot_after_train: false, test_initialization: false };
  const data = join(folder, "jpeg.mdb");
  const net = "models/cifar10/train_test.prototxt";
  const message = create("SolverParameter", { net, base_lr: 0.001, lr_policy: "fixed", momentum: 0.9, ...settings });
  await using solver = await Solver.load(message, { data, batchSize: 100 });
  let [waitMs, allMs, rows] = [0, 0, 0];
  for await (const event of train(solver)) {
    if (event.kind !== "iteration") continue;
    const { dataWaitMs, gradientMs, updateMs } = event.times;
    waitMs += dataWaitMs;
    allMs += dataWaitMs + gradientMs + updateMs;
    rows += event.rows;
  }
  const share = `${((100 * waitMs) / allMs).toFixed(2)} % of the time is waiting for data`;
  report("CIFAR-10 quick trains on JPEG", share, rows / (allMs / 1000));
}

async function memoryCase(gigabytes: number, shuffle: number | undefined): Promise<void> {
  const path = join(folder, "data.mdb");
  const data = new Uint8Array(3 * 256 * 256);
  const rows = Math.ceil((gigabytes * 1e9) / data.length);
  if (shuffle === undefined)
    writeLmdb(
      path,
      datums(rows, (label) => ({ channels: 3, height: 256, width: 256, data, label })),
    );
  let peak = 0;
  const seconds = await measure({ kind: "lmdb", path, shuffle }, 32, rows, { ...base, cropSize: 227 }, 1, () => {
    peak = Math.max(peak, process.memoryUsage.rss());
  });
  const size = (statSync(path).size / 1e9).toFixed(1);
  const name = `streaming ${size} GB${shuffle === undefined ? "" : ", shuffled"}`;
  report(name, `${(peak / 1e6).toFixed(0)} MB resident at most`, rows / seconds);
}

/**
 * Processor seconds for one epoch, the best of several: other work on the machine only ever adds. Not the wall's seconds,
 * since what is asked is what one core does, whoever else is on it.
 */
async function measure(
  source: SourceSpec,
  batchSize: number,
  rows: number,
  transform: TransformSpec,
  epochs = 5,
  onBatch: () => void = () => {},
): Promise<number> {
  const options = { phase: "TRAIN", seed: 1, transform } as const;
  await using feed = await openLocalFeed(sourceFeedSpec(source, ["data", "label"], batchSize, options), 1);
  let best = Number.POSITIVE_INFINITY;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const started = process.cpuUsage();
    for (let i = 0; i < rows; i += batchSize) {
      feed.recycle(await feed.next());
      onBatch();
    }
    const { user, system } = process.cpuUsage(started);
    best = Math.min(best, (user + system) / 1e6);
  }
  return best;
}

function report(name: string, result: string, rowsPerSecond: number): void {
  console.log(`| ${name} | ${result} | ${rowsPerSecond.toFixed(0)} |`);
}
