import { FEED } from "../../options/data.js";
import { countRange, SEED } from "../../options/number.js";
import type { Options } from "../../options/option.js";
import { STATE } from "../../options/run.js";
import { JSON_OUTPUT, OUTPUT } from "./command.js";

const SHAPE = { type: "shapes", describe: "Shape of a data blob: data=1,3,224,224" } as const;

/** `netrun inspect FILE`: what is in a net, solver, weights, solver state, mean or ONNX file. */
export const INSPECT = {
  file: { type: "string", positional: "<file>", describe: "File to inspect" },
  phase: { type: "choice", choices: ["TRAIN", "TEST"], describe: "Phase of a net (default TEST if possible)" },
  ...STATE,
  shape: SHAPE,
  ...JSON_OUTPUT,
} as const satisfies Options;

/** `netrun draw NET -o net.svg`: a picture of a net, in both phases unless one is named. */
export const DRAW = {
  net: { type: "string", positional: "<net>", describe: "Prototxt of the net" },
  output: { ...OUTPUT, required: true, describe: "File to write: .svg, .png or .dot" },
  phase: { type: "choice", choices: ["TRAIN", "TEST"], describe: "Phase to draw (default both)" },
  full: { type: "boolean", default: false, describe: "Draw repeated blocks of a large net each time, not once" },
  ...STATE,
  shape: SHAPE,
} as const satisfies Options;

/** `netrun upgrade FILE [-o OUT]`: a net or solver in an old format, written in today's; text stays text and binary binary. */
export const UPGRADE = {
  file: { type: "string", positional: "<file>", describe: "Net or solver, text or binary" },
  output: { ...OUTPUT, describe: "File to write (default stdout)" },
  ...JSON_OUTPUT,
} as const satisfies Options;

/** `netrun layers [TYPE]`: every layer type with its bottoms, tops and parameters; plugins' too. */
export const LAYERS = {
  type: { type: "string", positional: "[type]", describe: "Layer type (default: list all)" },
  ...JSON_OUTPUT,
} as const satisfies Options;

/** `netrun import SOURCE OUT.arrow`: any data set as Arrow, in place of Caffe's convert_imageset and its like. */
export const IMPORT = {
  source: {
    type: "string",
    positional: "<source>",
    describe: "Data set of any kind: PATH, or PATH?OPTION=VALUE",
  },
  output: { ...OUTPUT, positional: "<output>", describe: "Arrow file to write, or with --rows a folder" },
  resize: { type: "string", describe: "Size to decode images to: WIDTHxHEIGHT" },
  decode: { type: "boolean", default: false, describe: "Decode images to pixels" },
  gray: { type: "boolean", default: false, describe: "Decode images to one channel" },
  color: { type: "boolean", default: false, describe: "Decode images to three channels" },
  shuffle: { type: "boolean", default: false, describe: "Shuffle the rows" },
  seed: { type: "number", range: SEED, default: 1, describe: "Seed of --shuffle" },
  onBadRecord: FEED.onBadRecord,
  rows: { type: "number", range: countRange("rows"), describe: "Rows per file; resumes an interrupted import" },
  ...JSON_OUTPUT,
} as const satisfies Options;

/** `netrun mean DATA [-o mean.binaryproto]`: the mean image and channel means, as Caffe's compute_image_mean. */
export const MEAN = {
  data: { type: "string", positional: "<data>", describe: "Data set of any kind" },
  onBadRecord: FEED.onBadRecord,
  output: { ...OUTPUT, describe: "Mean file to write, a binaryproto" },
  ...JSON_OUTPUT,
} as const satisfies Options;

/** `netrun dataset digits`: writes an embedded data set as Arrow files, for other programs. */
export const DATASET = {
  name: { type: "choice", choices: ["digits", "shapes"], positional: "<name>", describe: "Data set to write" },
  output: { ...OUTPUT, default: ".", describe: "Folder to write to" },
  ...JSON_OUTPUT,
} as const satisfies Options;

/** `netrun completion SHELL`: a script by which a shell completes commands, flags and their words. */
export const COMPLETION = {
  shell: { type: "choice", choices: ["bash", "zsh", "fish"], positional: "<shell>", describe: "Shell" },
} as const satisfies Options;
