import { countOrNone, countRange } from "../../options/number.js";
import type { Options } from "../../options/option.js";
import { STATE } from "../../options/run.js";
import { JSON_OUTPUT, OUTPUT } from "./command.js";

/** `netrun convert NET WEIGHTS... -o MODEL.onnx`: a Caffe net as standard ONNX, checked against the net. */
export const CONVERT = {
  net: { type: "string", positional: "<net>", api: false, describe: "Prototxt of the net" },
  weights: {
    type: "strings",
    positional: "[weights..]",
    api: false,
    describe: "Weights files in order: .caffemodel or .h5",
  },
  output: { ...OUTPUT, required: true, describe: "File to write" },
  opset: {
    type: "number",
    range: { whole: true, min: 13, max: 21 },
    describe: "ONNX opset, 13 to 21 (default 17)",
  },
  batch: { type: "number", range: countRange("rows"), describe: "Fixed batch size (default: variable)" },
  height: { type: "number", range: countRange("pixels"), describe: "Height of image inputs" },
  width: { type: "number", range: countRange("pixels"), describe: "Width of image inputs" },
  dynamicSpatial: { type: "boolean", default: false, describe: "Make height and width variable" },
  outputs: { type: "names", describe: "Output blobs: NAME[,NAME...]" },
  fp16: { type: "boolean", default: false, describe: "Use half precision inside; inputs and outputs stay float32" },
  int8: { type: "boolean", default: false, describe: "Use 8-bit weights and computation; requires --calibrate" },
  calibrate: { type: "string", describe: "Data set to take the ranges of blobs from, for --int8" },
  calibrateBatches: {
    type: "number",
    range: countRange("batches"),
    describe: "Batches of --calibrate (default: 256 rows)",
  },
  floatLayers: { type: "names", describe: "Layers to keep in float with --int8: NAME[,NAME...]" },
  fold: { type: "boolean", default: true, describe: "Fold BatchNorm and Scale into the layers before them" },
  shape: { type: "shapes", api: "shapes", describe: "Shape of an input: BLOB=1,3,224,224" },
  allowMissing: { type: "boolean", default: false, describe: "Fill layers that are missing in the weights files" },
  scale: { type: "number", range: {}, describe: "Factor of image values, if no data layer has one" },
  mean: { type: "numbers", range: {}, describe: "Mean values to subtract, in BGR order: B,G,R" },
  preprocess: { type: "boolean", default: false, describe: "Put mean and scale into the graph: input 0 to 255" },
  externalData: { type: "boolean", default: false, api: false, describe: "Write weights to a file beside the model" },
  meanValue: { type: "numbers", range: {}, api: false, describe: "Mean values to subtract, one flag per channel" },
  meanFile: { type: "string", describe: "Mean image to subtract" },
  cropSize: {
    type: "number",
    range: countOrNone("pixels"),
    describe: "Side of the centre crop of the data set's images",
  },
  verify: {
    type: "text-or-flag",
    api: false,
    describe: "Random batches to check on (default 1), or a data set; 0 or --no-verify for none",
  },
  verifyBatches: {
    type: "number",
    range: countRange("batches"),
    describe: "Batches of the data set to check on (default 16)",
  },
  compare: { type: "string", describe: "File with recorded blobs to compare with: .npz or .safetensors" },
  ...STATE,
  ...JSON_OUTPUT,
} as const satisfies Options;

/** `netrun import-weights MODEL.onnx NET -o OUT.caffemodel`: the weights of a converted model back as Caffe has them. */
export const IMPORT_WEIGHTS = {
  model: { type: "string", positional: "<model>", api: false, describe: "ONNX model" },
  net: { type: "string", positional: "<net>", api: false, describe: "Prototxt that it was converted from" },
  output: { ...OUTPUT, required: true, describe: "File to write" },
  shape: {
    type: "shapes",
    api: "shapes",
    describe: "Shape of an input, if neither file has it: BLOB=1,3,224,224",
  },
  ...STATE,
  ...JSON_OUTPUT,
} as const satisfies Options;
