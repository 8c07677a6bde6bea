import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import sharp from "sharp";
import { Solver } from "../../../lib/index.js";
import { idxHeader } from "../idx.js";
import { writePeople } from "../people.js";
import { prng } from "../prng.js";

const NET = (data: string, end: string) => `name: "small"
${data}layer {
  name: "conv1"
  type: "Convolution"
  bottom: "data"
  top: "conv1"
  convolution_param { num_output: 16 kernel_size: 5 weight_filler { type: "xavier" } }
}
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1" pooling_param { pool: AVE global_pooling: true } }
layer {
  name: "ip1"
  type: "InnerProduct"
  bottom: "pool1"
  top: "ip1"
  inner_product_param { num_output: 10 weight_filler { type: "xavier" } }
}
${end}`;

const DATA = `layer {
  name: "data"
  type: "ImageData"
  top: "data"
  top: "label"
  transform_param { scale: 0.0078125 mean_value: 127 }
  image_data_param { source: "photos.txt" batch_size: 4 new_height: 32 new_width: 32 shuffle: true }
}
`;
const LOSS = `layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip1" bottom: "label" top: "loss" }
layer { name: "accuracy" type: "Accuracy" bottom: "ip1" bottom: "label" top: "accuracy" include { phase: TEST } }
`;
const INPUT =
  'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 32 dim: 32 } } }\n';
const PROB = 'layer { name: "prob" type: "Softmax" bottom: "ip1" top: "prob" }\n';
const SOLVER = `net: "train_val.prototxt"
base_lr: 0.05
lr_policy: "fixed"
momentum: 0.9
display: 10
max_iter: 40
test_iter: 4
test_interval: 20
snapshot_prefix: "snapshots/small"
random_seed: 1
`;

const plain = (width: number, height: number, background: string) =>
  sharp({ create: { width, height, channels: 3, background } });

/** Three folders of photos, of a class each: a square in its colour, brighter in each photo. */
async function writePhotos(folder: string): Promise<readonly string[]> {
  const list: string[] = [];
  for (const [label, [name, red, blue]] of (
    [
      ["cat", 1, 0],
      ["dog", 0, 1],
    ] as const
  ).entries()) {
    mkdirSync(join(folder, name), { recursive: true });
    for (let i = 0; i < 16; i++) {
      const level = 100 + 8 * i;
      await plain(48, 40, `rgb(${red * level}, 60, ${blue * level})`)
        .png()
        .toFile(join(folder, name, `${i}.png`));
      list.push(`photos/${name}/${i}.png ${label}`);
    }
  }
  return list;
}

/** Images of ten classes in MNIST's files: a bright bar whose place is the class. */
function writeMnist(folder: string, prefix: string, count: number): void {
  const draw = prng(count);
  const labels = Uint8Array.from({ length: count }, (_, i) => i % 10);
  const pixels = Buffer.alloc(count * 784);
  for (let i = 0; i < pixels.length; i++) {
    const bar = Math.floor((i % 28) / 2.8) === labels[Math.floor(i / 784)];
    pixels[i] = (bar ? 150 : 20) + 100 * draw();
  }
  writeFileSync(
    join(folder, `${prefix}-images-idx3-ubyte.gz`),
    gzipSync(Buffer.concat([idxHeader(count, 28, 28), pixels])),
  );
  writeFileSync(join(folder, `${prefix}-labels-idx1-ubyte.gz`), gzipSync(Buffer.concat([idxHeader(count), labels])));
}

/** Images of ten classes in CIFAR-10's form: noise around a level that is the class. */
function writeCifar(path: string, count: number): void {
  const draw = prng(count);
  const bytes = Buffer.alloc(count * 3073);
  for (let i = 0; i < bytes.length; i++)
    bytes[i] = i % 3073 === 0 ? (i / 3073) % 10 : 20 * ((Math.floor(i / 3073) % 10) + 2 * draw());
  writeFileSync(path, bytes);
}

/**
 * The folder in which the docs' commands run: a reader's own files, by the names that the pages use. A small net of color images
 * (deploy.prototxt, train_val.prototxt, solver.prototxt, weights.caffemodel, init.caffemodel), photos/ of two classes, photo.png,
 * digit.png, data in the forms of MNIST, CIFAR-10 and the census, and models/ and examples/ of an installed netrun.
 */
export async function fillDocsFolder(folder: string, packageFolder: string): Promise<void> {
  const at = (...names: readonly string[]) => join(folder, ...names);
  const write = (name: string, text: string) => writeFileSync(at(name), text);
  for (const name of ["models", "examples"]) symlinkSync(join(packageFolder, name), at(name));
  write("photos.txt", `${(await writePhotos(at("photos"))).join("\n")}\n`);
  await plain(64, 64, "grey")
    .composite([{ input: await plain(24, 24, "red").png().toBuffer(), left: 12, top: 20 }])
    .png()
    .toFile(at("photo.png"));
  await plain(28, 28, "white")
    .composite([{ input: await plain(4, 20, "black").png().toBuffer(), left: 12, top: 4 }])
    .png()
    .toFile(at("digit.png"));
  writeMnist(folder, "train", 2000);
  writeMnist(folder, "t10k", 500);
  writeCifar(at("data_batch_1.bin"), 1000);
  writeCifar(at("test_batch.bin"), 200);
  writePeople(at("adult.csv"), 2000);
  writePeople(at("adult-test.csv"), 400);
  write("solver.prototxt", SOLVER);
  write("train_val.prototxt", NET(DATA, LOSS));
  write("deploy.prototxt", NET(INPUT, PROB));
  const input =
    'layer { name: "in" type: "DummyData" top: "data" top: "label" dummy_data_param { shape { dim: 2 dim: 3 dim: 32 dim: 32 } shape { dim: 2 } } }\n';
  await using solver = await Solver.load(
    `base_lr: 0 lr_policy: "fixed" random_seed: 1 snapshot_prefix: "${at("start")}" net_param { ${NET(input, LOSS)} }`,
  );
  await solver.net.save(at("weights.caffemodel"));
  await solver.net.save(at("init.caffemodel"));
}
