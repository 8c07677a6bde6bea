import { basename } from "node:path";
import type { CommandModule } from "yargs";
import { type ConvertOptions, convertFile } from "../convert/index.js";
import { NetrunError } from "../error.js";
import { listOf, shapesOf, warn } from "./common.js";
import { describeReport, refuseWrong } from "./convert-report.js";

/** A flag that takes a value, or none, or stands behind `--no-`. */
type VerifyArg = string | boolean;

interface ConvertArgs {
  readonly net?: string;
  readonly weights?: readonly string[];
  readonly output?: string;
  readonly opset?: number;
  readonly batch?: number;
  readonly height?: number;
  readonly width?: number;
  readonly dynamicSpatial: boolean;
  readonly outputs?: string;
  readonly fp16: boolean;
  readonly int8: boolean;
  readonly calibrate?: string;
  readonly calibrateBatches?: number;
  readonly floatLayers?: string;
  readonly fold: boolean;
  readonly shape?: readonly string[];
  readonly allowMissing: boolean;
  readonly scale?: number;
  readonly mean?: string;
  readonly preprocess: boolean;
  readonly externalData: boolean;
  readonly meanValue?: readonly number[];
  readonly meanFile?: string;
  readonly cropSize?: number;
  readonly verify?: VerifyArg | readonly VerifyArg[];
  readonly verifyBatches?: number;
  readonly compare?: string;
  readonly level?: number;
  readonly stage?: string;
  readonly strict: boolean;
}

/** `netrun convert NET WEIGHTS... -o MODEL.onnx`: a Caffe net as standard ONNX, checked against the net. */
export const convertCommand: CommandModule<object, ConvertArgs> = {
  command: "convert <net> [weights..]",
  describe: "Write a net with its weights as standard ONNX, and check the file",
  builder: (yargs) =>
    yargs
      .positional("net", { type: "string", describe: "The net's prototxt" })
      .positional("weights", { type: "string", array: true, describe: "Its weights: .caffemodel or .h5, in order" })
      .option("output", { alias: "o", type: "string", demandOption: true, describe: "The file to write" })
      .option("opset", { type: "number", describe: "ONNX opset, 13 to 21 (default 17)" })
      .option("batch", { type: "number", describe: "Fixed batch size; open without it" })
      .option("height", { type: "number", describe: "Height of image inputs" })
      .option("width", { type: "number", describe: "Width of image inputs" })
      .option("dynamic-spatial", { type: "boolean", default: false, describe: "Leave height and width open" })
      .option("outputs", { type: "string", describe: "Blobs to give: NAME[,NAME...]" })
      .option("fp16", {
        type: "boolean",
        default: false,
        describe: "Half precision inside; inputs and outputs float32",
      })
      .option("int8", { type: "boolean", default: false, describe: "8-bit weights and computation; needs --calibrate" })
      .option("calibrate", { type: "string", describe: "Data to take the ranges of blobs from, for --int8" })
      .option("calibrate-batches", { type: "number", describe: "Batches of it (default: as many as 256 rows are)" })
      .option("float-layers", { type: "string", describe: "Layers that stay float with --int8: NAME[,NAME...]" })
      .option("fold", { type: "boolean", default: true, describe: "Fold BatchNorm and Scale into what is before them" })
      .option("shape", { type: "string", array: true, nargs: 1, describe: "An input's shape: BLOB=1,3,224,224" })
      .option("allow-missing", { type: "boolean", default: false, describe: "Fill layers that no weights file has" })
      .option("scale", { type: "number", describe: "Factor on image values, where no data layer says it" })
      .option("mean", { type: "string", describe: "Mean values to subtract, in BGR order: B,G,R" })
      .option("preprocess", {
        type: "boolean",
        default: false,
        describe: "Mean and scale in the graph: input 0 to 255",
      })
      .option("external-data", { type: "boolean", default: false, describe: "Weights in a file beside the model" })
      .option("mean-value", { type: "number", array: true, nargs: 1, describe: "The same, a flag for each channel" })
      .option("mean-file", { type: "string", describe: "A mean image to subtract" })
      .option("crop-size", { type: "number", describe: "Side of the centre crop of the data's images" })
      .option("verify", {
        type: "string",
        describe: "Check on N random batches (default 1), or on rows of a data set; 0 or --no-verify: do not",
      })
      .option("verify-batches", { type: "number", describe: "Batches of the data set to check on (default 16)" })
      .option("compare", { type: "string", describe: "Recorded blobs to compare with: .npz or .safetensors" })
      .option("level", { type: "number", describe: "Level of the net state" })
      .option("stage", { type: "string", describe: "Stages of the net state: NAME[,NAME...]" }) as never,
  handler: (args) => runConvert(args),
};

async function runConvert(args: ConvertArgs): Promise<void> {
  refuseTwice(args);
  const path = args.output!;
  const report = await convertFile(args.net!, args.weights ?? [], path, optionsOf(args, path));
  console.log(describeReport(report));
  refuseWrong(report, path, args.compare);
}

function optionsOf(args: ConvertArgs, path: string): ConvertOptions {
  const { opset, batch, height, width, level, dynamicSpatial, preprocess, scale, fp16, fold, allowMissing, strict } =
    args;
  return {
    batch,
    height,
    width,
    dynamicSpatial,
    preprocess,
    scale,
    mean: args.mean === undefined ? args.meanValue : meansOf(args.mean),
    meanFile: args.meanFile,
    cropSize: args.cropSize,
    compare: args.compare,
    int8: args.int8,
    calibrate: args.calibrate,
    calibrateBatches: args.calibrateBatches,
    floatLayers: listOf(args.floatLayers),
    verifyBatches: args.verifyBatches,
    fp16,
    fold,
    allowMissing,
    strict,
    onWarning: warn,
    outputs: listOf(args.outputs),
    stages: listOf(args.stage),
    verify: verifyOf(args.verify),
    shapes: shapesOf(args.shape),
    ...(opset !== undefined && { opset }),
    ...(level !== undefined && { level }),
    ...(args.externalData && { externalData: `${basename(path)}.data` }),
  };
}

/** Flags that may be given several times; of `--verify` and `--no-verify` the last counts. */
const LISTS: readonly string[] = ["_", "weights", "shape", "meanValue", "mean-value", "plugin", "verify"];

/** Throws NetrunError for a flag that was given twice though it has one value. */
function refuseTwice(args: ConvertArgs): void {
  const twice = Object.entries(args).find(([name, value]) => Array.isArray(value) && !LISTS.includes(name));
  if (twice) throw new NetrunError(`--${twice[0]} is given ${twice[1].length} times: ${twice[1].join(", ")}`);
}

/** How many random batches, or which data. */
function verifyOf(given: VerifyArg | readonly VerifyArg[] | undefined): number | string {
  const text = typeof given === "object" ? given.at(-1) : given;
  if (text === undefined || text === true || text === "") return 1;
  if (text === false) return 0;
  return /^\d+$/.test(text) ? Number(text) : text;
}

function meansOf(text: string): readonly number[] {
  const means = text.split(",").map(Number);
  if (means.some(Number.isNaN)) throw new NetrunError(`--mean ${text}: not numbers with commas between`);
  return means;
}
