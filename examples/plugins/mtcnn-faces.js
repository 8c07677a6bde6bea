// The Python data layer of MTCNN's training (pythonLayer.py): faces and background, with the class, the offsets of the box, and -1
// where a row has no class (of a part of a face) or no box.
//
//     netrun train SOLVER.prototxt --plugin examples/plugins/mtcnn-faces.js
//
// param_str says which images, of which size, in which batches: {'list': 'data/12/train.txt', 'root': 'data', 'size': 12, 'batch_size': 64}.
// A line of the list is a path, a class (1, 0, or -1 for a part) and, where there is a box, its four offsets.
// SoftmaxWithLoss leaves out rows of class -1 by loss_param { ignore_label: -1 }; the Python net has a layer of its own for that.
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What param_str says. */
function settings({ python_param: { param_str: text } }) {
  const found = (key) => new RegExp(`['"]${key}['"]\\s*:\\s*['"]?([^'",}]+)`).exec(text)?.[1].trim();
  return {
    list: found("list") ?? "train.txt",
    root: found("root") ?? "",
    size: Number(found("size") ?? 12),
    batch: Number(found("batch_size") ?? 64),
  };
}

/** @type {import("netrun").PluginModule} */
export default {
  type: "Python",
  module: "pythonLayer",
  layer: "Data_Layer_train",
  tops: 3,
  *rows({ layer, path }) {
    const { list, root } = settings(layer);
    const folder = root === "" ? "" : path(root);
    const [data, label, roi] = layer.top;
    for (const line of readFileSync(path(list), "utf8")
      .split("\n")
      .filter((each) => each.trim() !== "")) {
      const [name, kind, ...offsets] = line.trim().split(/\s+/);
      const box = offsets.length === 4 ? offsets.map(Number) : [-1, -1, -1, -1];
      // The image as its file is: netrun decodes and resizes it.
      yield { [data]: readFileSync(join(folder, name)), [label]: [Number(kind)], [roi]: box };
    }
  },
  images(layer) {
    const { size } = settings(layer);
    return { size: [size, size], mean: [127.5, 127.5, 127.5], scale: 1 / 128 };
  },
  batchSize: (layer) => settings(layer).batch,
};
