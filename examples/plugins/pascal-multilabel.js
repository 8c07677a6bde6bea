// A plugin that reads data: what netrun runs in place of the Python data layers of Caffe's multilabel example
// (pascal_multilabel_datalayers.py), which give images of PASCAL VOC and the classes that are in each.
//
//     netrun train SOLVER.prototxt --plugin examples/plugins/pascal-multilabel.js
//
// Rows are read once, when the net is loaded; netrun shuffles, batches and resumes them as it does with every data set.
import { readFileSync } from "node:fs";
import { join } from "node:path";

const CLASSES = [
  ...["aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"],
  ...["diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"],
];

/** What param_str says: a Python dictionary of numbers, lists of them and texts. */
function settings({ python_param: { param_str: text } }) {
  const entries = [...text.matchAll(/['"](\w+)['"]\s*:\s*(?:['"]([^'"]*)['"]|\[([^\]]*)\]|(\d+))/g)];
  return Object.fromEntries(
    entries.map(([, key, word, list, number]) => [key, word ?? (list ? list.split(",").map(Number) : Number(number))]),
  );
}

/** @type {import("netrun").PluginModule} */
export default {
  type: "Python",
  module: "pascal_multilabel_datalayers",
  layer: "PascalMultilabelDataLayerSync",
  tops: 2,
  /** Images as their files are, and 1 for each class that is in them. */
  async *rows({ layer, path }) {
    const { pascal_root, split } = settings(layer);
    const root = path(pascal_root);
    const names = readFileSync(join(root, "ImageSets/Main", `${split}.txt`), "utf8").split(/\s+/);
    for (const name of names.filter((each) => each !== "")) {
      const annotation = readFileSync(join(root, "Annotations", `${name}.xml`), "utf8");
      const found = new Set([...annotation.matchAll(/<name>(\w+)<\/name>/g)].map(([, each]) => each));
      const label = CLASSES.map((each) => (found.has(each) ? 1 : 0));
      yield { data: readFileSync(join(root, "JPEGImages", `${name}.jpg`)), label };
    }
  },
  images(layer) {
    const [height, width] = settings(layer).im_shape;
    return { size: [height, width], mean: [128, 128, 128], mirror: true };
  },
  batchSize: (layer) => settings(layer).batch_size,
};
