import { CLUSTER } from "../../options/cluster.js";
import { DATA } from "../../options/data.js";
import { countRange } from "../../options/number.js";
import type { Options } from "../../options/option.js";
import { HOSTS } from "../../options/parallel.js";
import { GRADIENTS, RUN } from "../../options/run.js";
import { JSON_OUTPUT, OUTPUT } from "./command.js";

const MODEL = { type: "string", required: true, describe: "Prototxt of the net" } as const;
const MODEL_WORD = { ...MODEL, positional: "[model]" } as const;
const WEIGHTS = { type: "names", required: true, describe: "Weights files: FILE[,FILE...]" } as const;

/** `netrun test -model NET -weights FILE -iterations N`: scores a net over N batches of its data. */
export const TEST = {
  model: MODEL_WORD,
  weights: WEIGHTS,
  iterations: { type: "number", range: countRange("batches"), default: 50, describe: "Batches to test" },
  apVersion: {
    type: "choice",
    choices: ["11point", "MaxIntegral", "Integral"],
    default: "Integral",
    describe: "Method for the average precision of detections",
  },
  ...RUN,
  ...DATA,
  ...JSON_OUTPUT,
} as const satisfies Options;

/** `netrun time -model NET`: how long each layer takes, forward and backward. */
export const TIME = {
  model: MODEL_WORD,
  weights: { type: "names", describe: "Weights files: FILE[,FILE...]" },
  iterations: { type: "number", range: countRange("passes"), default: 50, describe: "Passes to time" },
  phase: { type: "choice", choices: ["TRAIN", "TEST"], default: "TRAIN", describe: "Phase of the net" },
  ...GRADIENTS,
  ...RUN,
  ...DATA,
  ...JSON_OUTPUT,
} as const satisfies Options;

/** `netrun extract -model NET -weights FILE --blobs ip1,prob -o FILE.parquet`: blobs of a data set, a row an input. */
export const EXTRACT = {
  model: MODEL_WORD,
  weights: WEIGHTS,
  blobs: { type: "names", required: true, describe: "Blobs to write: NAME[,NAME...]" },
  output: {
    ...OUTPUT,
    required: true,
    describe: "File to write: .arrow, .parquet or .csv; on a cluster spark:FORMAT:PATH?mode=overwrite",
  },
  iterations: { type: "number", range: countRange("batches"), describe: "Batches to run (default: all of the data)" },
  ...RUN,
  ...DATA,
  ...HOSTS,
  ...CLUSTER,
  ...JSON_OUTPUT,
} as const satisfies Options;

/** `netrun classify IMAGE... -model DEPLOY -weights FILE`: the classes with the greatest scores. */
export const CLASSIFY = {
  images: { type: "strings", positional: "<images..>", describe: "Image files" },
  model: { ...MODEL, describe: "Deploy prototxt of the net" },
  weights: WEIGHTS,
  labels: { type: "string", describe: "File with class names, one per line" },
  meanFile: { type: "string", describe: "Mean image, whose mean per channel is subtracted" },
  meanValue: {
    type: "numbers",
    range: {},
    api: "mean",
    describe: "Mean values to subtract, one for all channels or one each",
  },
  scale: { type: "number", range: {}, default: 1, describe: "Factor of pixels after the mean" },
  oversample: {
    type: "boolean",
    default: false,
    describe: "Average over crops of the corners, the centre and their mirrors",
  },
  resize: {
    type: "string",
    describe: "Size before the crop: HEIGHT,WIDTH (default 256,256 with --oversample, else the input's)",
  },
  top: { type: "number", range: countRange("classes"), default: 5, describe: "Classes to print" },
  output: { type: "string", describe: "Blob with the scores (default: the last output)" },
  invert: { type: "boolean", default: false, describe: "Invert images that are dark on light, for nets of MNIST" },
  ...RUN,
  ...JSON_OUTPUT,
} as const satisfies Options;

/** `netrun detect IMAGE... -model DEPLOY -weights FILE`: the objects in images, by a net that gives rows of detections. */
export const DETECT = {
  images: { type: "strings", positional: "<images..>", describe: "Image files" },
  model: { ...MODEL, describe: "Deploy prototxt of the net" },
  weights: WEIGHTS,
  labels: {
    type: "string",
    describe: "File with class names, one per line, the background's first, or SSD's label map",
  },
  meanFile: CLASSIFY.meanFile,
  meanValue: CLASSIFY.meanValue,
  scale: CLASSIFY.scale,
  invert: CLASSIFY.invert,
  minScore: { type: "number", range: {}, default: 0.5, describe: "Minimum score of objects" },
  top: { type: "number", range: countRange("objects"), default: 100, describe: "Maximum number of objects per image" },
  blob: { type: "string", api: "output", describe: "Blob with the detections (default: the last output)" },
  shorterSide: {
    type: "number",
    range: countRange("pixels"),
    default: 600,
    describe: "The shorter side of images, of nets that propose regions (Faster R-CNN)",
  },
  longerSide: {
    type: "number",
    range: countRange("pixels"),
    default: 1000,
    describe: "The longer side of them at most",
  },
  overlap: {
    type: "number",
    range: {},
    default: 0.3,
    describe: "The part that boxes of one class of such nets may have in common",
  },
  output: { ...OUTPUT, describe: "Picture with the boxes to write: FILE.png for one image, else a folder" },
  ...RUN,
  ...JSON_OUTPUT,
} as const satisfies Options;

/** `netrun devices`, Caffe's `device_query`: what nets can run on here, what is missing, and its installation. */
export const DEVICES = {
  gpu: { type: "devices", describe: "GPUs to check: N[,N...] or all (default: the first)" },
  check: { type: "boolean", default: false, describe: "Compute on each provider, and compare with the CPU" },
  install: { type: "choice", choices: ["cuda"], describe: "Provider to install libraries for" },
  from: { type: "choice", choices: ["pip", "nuget"], describe: "Source of --install (default pip)" },
  uninstall: { type: "choice", choices: ["cuda"], describe: "Provider to remove the libraries of" },
  ...JSON_OUTPUT,
} as const satisfies Options;
