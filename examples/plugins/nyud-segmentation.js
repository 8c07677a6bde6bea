// The Python data layer of FCN's NYUDv2 nets (nyud_layers.py): images of rooms, their depth and the class of each pixel.
//
//     netrun train SOLVER.prototxt --plugin examples/plugins/nyud-segmentation.js
//
// param_str says what each top holds: {'nyud_dir': 'data/nyud', 'split': 'trainval', 'tops': ['color', 'hha', 'label']}.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import sharp from "sharp";

/** Means of blue, green and red, and of the three channels of HHA (disparity, height, angle). */
const MEANS = { color: [116.19, 97.203, 92.318], hha: [132.431, 94.076, 118.477] };
const MEAN_LOG_DEPTH = 7.844;

/** What param_str says: texts, and the list of tops. */
function settings({ python_param: { param_str: text } }) {
  const word = (key) => new RegExp(`['"]${key}['"]\\s*:\\s*['"]([^'"]*)['"]`).exec(text)?.[1];
  const list = /['"]tops['"]\s*:\s*[[(]([^\])]*)/.exec(text)?.[1] ?? "";
  return { folder: word("nyud_dir"), split: word("split"), tops: [...list.matchAll(/\w+/g)].map(([each]) => each) };
}

/** An image as [3, height, width] minus a mean for each channel; color is turned from RGB to BGR, as Caffe has it. */
async function image(path, kind) {
  const { data, info } = await sharp(path).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const size = info.width * info.height;
  const values = new Float32Array(3 * size);
  for (let c = 0; c < 3; c++) {
    const from = kind === "color" ? 2 - c : c;
    for (let i = 0; i < size; i++) values[c * size + i] = data[i * info.channels + from] - MEANS[kind][c];
  }
  return { shape: [3, info.height, info.width], data: values };
}

/** The logarithm of a depth image of 16 bits, minus its mean: [1, height, width]. */
async function depth(path) {
  const raw = sharp(path).toColourspace("grey16").raw({ depth: "ushort" });
  const { data, info } = await raw.toBuffer({ resolveWithObject: true });
  const values = new Uint16Array(data.buffer, data.byteOffset, info.width * info.height);
  return {
    shape: [1, info.height, info.width],
    data: Float32Array.from(values, (each) => Math.log(each) - MEAN_LOG_DEPTH),
  };
}

/** Classes 0 to 39, and 255 for none: the file has 1 to 40, and 0. */
function label(path) {
  const [height, width, at] = matrix(readFileSync(path), "segmentation");
  const data = Float32Array.from(
    { length: height * width },
    (_, i) => (at(Math.floor(i / width), i % width) + 255) % 256,
  );
  return { shape: [1, height, width], data };
}

const READ = {
  1: ["readInt8", 1],
  2: ["readUInt8", 1],
  3: ["readInt16LE", 2],
  4: ["readUInt16LE", 2],
  5: ["readInt32LE", 4],
  9: ["readDoubleLE", 8],
};

/** The elements of a MAT-file (version 5) from an offset on: types and bytes. */
function* elements(bytes, from = 0) {
  for (let at = from; at + 8 <= bytes.length; ) {
    const [tag, size] = [bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4)];
    // Up to four bytes stand in the tag itself, with their number in its upper half.
    const isSmall = tag > 0xffff;
    yield isSmall
      ? [tag & 0xffff, bytes.subarray(at + 4, at + 4 + (tag >>> 16))]
      : [tag, bytes.subarray(at + 8, at + 8 + size)];
    at += isSmall ? 8 : 8 + (tag === 15 ? size : Math.ceil(size / 8) * 8);
  }
}

/** Height, width and entries of a named matrix in a MAT-file, which has them by columns. */
function matrix(file, name) {
  for (const [type, bytes] of elements(file, 128)) {
    const [, content] = type === 15 ? elements(inflateSync(bytes)).next().value : [type, bytes];
    const [, [, sizes], [, own], [kind, values]] = elements(content);
    if (own.toString() !== name) continue;
    const [height, width] = [sizes.readInt32LE(0), sizes.readInt32LE(4)];
    const [read, size] = READ[kind];
    return [height, width, (y, x) => values[read](size * (x * height + y))];
  }
  throw new Error(`no matrix "${name}" in the MAT-file`);
}

/** @type {import("netrun").PluginModule} */
export default {
  type: "Python",
  module: "nyud_layers",
  layer: "NYUDSegDataLayer",
  async *rows({ layer, path }) {
    const { folder, split, tops } = settings(layer);
    const root = path(folder);
    const readers = {
      color: (id) => image(join(root, `data/images/img_${id}.png`), "color"),
      hha: (id) => image(join(root, `data/hha/img_${id}.png`), "hha"),
      depth: (id) => depth(join(root, `data/depth/img_${id}.png`)),
      label: (id) => label(join(root, `segmentation/img_${id}.mat`)),
    };
    const ids = readFileSync(join(root, `${split}.txt`), "utf8").split(/\s+/);
    for (const id of ids.filter((each) => each !== "")) {
      const row = {};
      for (const [i, kind] of tops.entries()) row[layer.top[i]] = await readers[kind](id);
      yield row;
    }
  },
  // One image at a time, as the Python layer has it.
  batchSize: () => 1,
};
