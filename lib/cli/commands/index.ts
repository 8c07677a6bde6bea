import type { Command } from "./command.js";
import { CONVERT, IMPORT_WEIGHTS } from "./conversion.js";
import { DATASET, DRAW, IMPORT, INSPECT, LAYERS, MEAN, UPGRADE } from "./files.js";
import { CLASSIFY, DEVICES, EXTRACT, TEST, TIME } from "./inference.js";
import { PLOT, TRAIN } from "./training.js";

/** All commands. Nothing here loads more of netrun than their flags: a command's code is loaded when it runs. */
export const commands: readonly Command[] = [
  { name: "train", describe: "Train a net", options: TRAIN, load: () => import("../train.js") },
  { name: "test", describe: "Score a net on its data", options: TEST, load: () => import("../test.js") },
  { name: "time", describe: "Time a net layer by layer", options: TIME, load: () => import("../time.js") },
  {
    name: "extract",
    describe: "Write named blobs of a data set: features",
    options: EXTRACT,
    load: () => import("../extract.js"),
  },
  { name: "classify", describe: "Name what images show", options: CLASSIFY, load: () => import("../classify.js") },
  {
    name: "devices",
    aliases: ["device_query"],
    describe: "List what nets can run on here",
    options: DEVICES,
    load: () => import("../devices.js"),
  },
  {
    name: "plot",
    describe: "Draw logs of training runs, netrun's or Caffe's",
    options: PLOT,
    load: () => import("../plot.js"),
  },
  {
    name: "convert",
    describe: "Write a net with its weights as standard ONNX, and check the file",
    options: CONVERT,
    load: () => import("../convert.js"),
  },
  {
    name: "import-weights",
    describe: "Write the weights of a converted ONNX model as a .caffemodel",
    options: IMPORT_WEIGHTS,
    load: () => import("../import-weights.js"),
  },
  {
    name: "inspect",
    describe: "Show what is in a net, solver, .caffemodel, .solverstate, mean or ONNX file",
    options: INSPECT,
    load: () => import("../inspect.js"),
  },
  {
    name: "draw",
    describe: "Draw a net as SVG or in Graphviz's language",
    options: DRAW,
    load: () => import("../draw.js"),
  },
  {
    name: "upgrade",
    describe: "Write an old net or solver in today's format",
    options: UPGRADE,
    load: () => import("../upgrade.js"),
  },
  {
    name: "layers",
    describe: "List the layer types, or show one with its parameters",
    options: LAYERS,
    load: () => import("../layers.js"),
  },
  {
    name: "import",
    describe: "Copy any data set to an Arrow file, or a folder of them",
    options: IMPORT,
    load: () => import("../import.js"),
  },
  { name: "mean", describe: "Compute the mean image of a data set", options: MEAN, load: () => import("../mean.js") },
  {
    name: "dataset",
    describe: "Write an embedded data set to Arrow files",
    options: DATASET,
    load: () => import("../dataset.js"),
  },
];
