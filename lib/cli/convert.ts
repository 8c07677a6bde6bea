import { basename, dirname, join } from "node:path";
import type { CommandModule } from "yargs";
import { type Converted, type ConvertOptions, convert } from "../convert/index.js";
import { NetrunError } from "../error.js";
import { writeWhole } from "../file.js";
import { listOf, warn } from "./common.js";

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
  readonly fold: boolean;
  readonly shape?: readonly string[];
  readonly allowMissing: boolean;
  readonly scale?: number;
  readonly mean?: string;
  readonly preprocess: boolean;
  readonly externalData: boolean;
  readonly verify?: string;
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
      .option("verify", { type: "string", describe: "Random batches to check on (default 1); 0 or --no-verify: none" })
      .option("level", { type: "number", describe: "Level of the net state" })
      .option("stage", { type: "string", describe: "Stages of the net state: NAME[,NAME...]" }) as never,
  handler: (args) => runConvert(args),
};

async function runConvert(args: ConvertArgs): Promise<void> {
  const path = args.output!;
  const { model, externalData, report } = await convert(args.net!, args.weights ?? [], optionsOf(args, path));
  if (externalData) await writeWhole(join(dirname(path), externalData.name), Buffer.concat(externalData.parts));
  await writeWhole(path, model);
  show(path, report);
  const wrong = report.verification?.filter(({ within }) => !within) ?? [];
  if (wrong.length > 0) {
    throw new NetrunError(`the file differs from the net: ${wrong.map(({ output }) => output).join(", ")}`, {
      file: path,
      notes: ["the file was written all the same, for looking into it"],
    });
  }
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
    mean: args.mean === undefined ? undefined : meansOf(args.mean),
    fp16,
    fold,
    allowMissing,
    strict,
    onWarning: warn,
    outputs: listOf(args.outputs),
    stages: listOf(args.stage),
    verify: batchesOf(args.verify),
    shapes: Object.fromEntries((args.shape ?? []).map(shapeOf)),
    ...(opset !== undefined && { opset }),
    ...(level !== undefined && { level }),
    ...(args.externalData && { externalData: `${basename(path)}.data` }),
  };
}

function batchesOf(text: string | boolean | undefined): number {
  if (text === undefined || text === true || text === "") return 1;
  if (text === false) return 0;
  const n = Number(text);
  if (Number.isInteger(n) && n >= 0) return n;
  throw new NetrunError(`--verify ${text}: not a number of batches`);
}

function meansOf(text: string): readonly number[] {
  const means = text.split(",").map(Number);
  if (means.some(Number.isNaN)) throw new NetrunError(`--mean ${text}: not numbers with commas between`);
  return means;
}

function shapeOf(text: string): readonly [string, readonly number[]] {
  const [, name, dims] = /^([^=]+)=(\d+(?:,\d+)*)$/.exec(text) ?? [];
  if (name === undefined) throw new NetrunError(`--shape ${text}: not BLOB=DIM,DIM,...`);
  return [name, dims!.split(",").map(Number)];
}

function show(path: string, report: Converted["report"]): void {
  const ends = (group: Readonly<Record<string, readonly (number | string)[]>>) =>
    Object.entries(group)
      .map(([name, dims]) => `${name} [${dims.join(", ")}]`)
      .join(", ");
  const lines = [
    `${path}: opset ${report.opset}, ${report.nodes} nodes, ${(report.bytes / 2 ** 20).toFixed(1)} MB`,
    `  inputs   ${ends(report.inputs)}`,
    `  outputs  ${ends(report.outputs)}`,
  ];
  const folded = Object.values(report.folded).flat().length;
  if (folded > 0) lines.push(`  folded   ${folded} layers into ${Object.keys(report.folded).length} others`);
  if (report.fixedBatch !== undefined) lines.push(`  the batch size is fixed: ${report.fixedBatch}`);
  if (report.missing.length > 0) lines.push(`  filled   ${report.missing.join(", ")} (no weights)`);
  if (report.extra.length > 0) lines.push(`  unused   ${report.extra.join(", ")} (only in the weights)`);
  for (const { output, absolute, relative, within } of report.verification ?? []) {
    const text = `largest difference ${absolute.toPrecision(3)}, ${relative.toPrecision(3)} of the largest value`;
    lines.push(`  ${within ? "verified" : "WRONG   "} ${output}: ${text}`);
  }
  if (report.verification === undefined) lines.push("  not verified");
  console.log(lines.join("\n"));
}
