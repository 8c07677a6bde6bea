import { countOrNone, countRange } from "../../options/number.js";
import type { Options } from "../../options/option.js";
import { STATE } from "../../options/run.js";
import { JSON_OUTPUT, OUTPUT } from "./command.js";

/** `netrun convert NET WEIGHTS... -o MODEL.onnx`: a Caffe net as standard ONNX, checked against the net. */
export const CONVERT = {
  net: { type: "string", positional: "<net>", api: false, describe: "The net's prototxt" },
  weights: {
    type: "strings",
    positional: "[weights..]",
    api: false,
    describe: "Its weights: .caffemodel or .h5, in order",
  },
  output: { ...OUTPUT, required: true, describe: "The file to write" },
  opset: {
    type: "number",
    range: { whole: true, min: 13, max: 21 },
    describe: "ONNX opset, 13 to 21 (default 17)",
  },
  batch: { type: "number", range: countRange("rows"), describe: "Fixed batch size; open without it" },
  height: { type: "number", range: countRange("pixels"), describe: "Height of image inputs" },
  width: { type: "number", range: countRange("pixels"), describe: "Width of image inputs" },
  dynamicSpatial: { type: "boolean", default: false, describe: "Leave height and width open" },
  outputs: { type: "names", describe: "Blobs to give: NAME[,NAME...]" },
  fp16: { type: "boolean", default: false, describe: "Half precision inside; inputs and outputs float32" },
  int8: { type: "boolean", default: false, describe: "8-bit weights and computation; needs --calibrate" },
  calibrate: { type: "string", describe: "Data to take the ranges of blobs from, for --int8" },
  calibrateBatches: {
    type: "number",
    range: countRange("batches"),
    describe: "Batches of it (default: as many as 256 rows are)",
  },
  floatLayers: { type: "names", describe: "Layers that stay float with --int8: NAME[,NAME...]" },
  fold: { type: "boolean", default: true, describe: "Fold BatchNorm and Scale into what is before them" },
  shape: { type: "shapes", api: "shapes", describe: "An input's shape: BLOB=1,3,224,224" },
  allowMissing: { type: "boolean", default: false, describe: "Fill layers that no weights file has" },
  scale: { type: "number", range: {}, describe: "Factor on image values, where no data layer says it" },
  mean: { type: "numbers", range: {}, describe: "Mean values to subtract, in BGR order: B,G,R" },
  preprocess: { type: "boolean", default: false, describe: "Mean and scale in the graph: input 0 to 255" },
  externalData: { type: "boolean", default: false, api: false, describe: "Weights in a file beside the model" },
  meanValue: { type: "numbers", range: {}, api: false, describe: "The same, a flag for each channel" },
  meanFile: { type: "string", describe: "A mean image to subtract" },
  cropSize: {
    type: "number",
    range: countOrNone("pixels"),
    describe: "Side of the centre crop of the data's images",
  },
  verify: {
    type: "text-or-flag",
    api: false,
    describe: "Check on N random batches (default 1), or on rows of a data set; 0 or --no-verify: do not",
  },
  verifyBatches: {
    type: "number",
    range: countRange("batches"),
    describe: "Batches of the data set to check on (default 16)",
  },
  compare: { type: "string", describe: "Recorded blobs to compare with: .npz or .safetensors" },
  ...STATE,
  ...JSON_OUTPUT,
} as const satisfies Options;

/** `netrun import-weights MODEL.onnx NET -o OUT.caffemodel`: the weights of a converted model back as Caffe has them. */
export const IMPORT_WEIGHTS = {
  model: { type: "string", positional: "<model>", api: false, describe: "The ONNX model" },
  net: { type: "string", positional: "<net>", api: false, describe: "The prototxt that it was converted from" },
  output: { ...OUTPUT, required: true, describe: "The file to write" },
  shape: {
    type: "shapes",
    api: "shapes",
    describe: "An input's shape, where neither file says it: BLOB=1,3,224,224",
  },
  ...STATE,
  ...JSON_OUTPUT,
} as const satisfies Options;
