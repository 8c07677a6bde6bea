import { basename } from "node:path";
import { type ConvertOptions, convertFile } from "../convert/index.js";
import { countOrNone, parseNumber } from "../options/number.js";
import { apiOf } from "../options/option.js";
import type { CommandArgs } from "./commands/command.js";
import { CONVERT } from "./commands/conversion.js";
import { refuseSwapped, report, warn } from "./common.js";
import { describeReport, refuseWrong } from "./convert-report.js";

type ConvertArgs = CommandArgs<typeof CONVERT>;

/** Writes a Caffe net as standard ONNX, checked against the net. */
export async function run(args: ConvertArgs): Promise<void> {
  const { net, weights = [], output } = args;
  refuseSwapped(net!, weights, (right, rest) => `convert ${[right, ...rest].join(" ")} -o MODEL.onnx`);
  const converted = await convertFile(net!, weights, output, optionsOf(args, output));
  report(args, converted, () => [describeReport(converted)]);
  refuseWrong(converted, output, args.compare);
}

function optionsOf(args: ConvertArgs, path: string): ConvertOptions {
  return {
    ...(args.meanValue !== undefined && { mean: args.meanValue }),
    ...apiOf(CONVERT, args),
    strict: args.strict,
    onWarning: warn,
    verify: verifyOf(args.verify),
    ...(args.externalData && { externalData: `${basename(path)}.data` }),
  };
}

/** Number of random batches, or which data. */
function verifyOf(given: string | boolean = true): number | string {
  if (typeof given === "boolean") return given ? 1 : 0;
  return /^[-+]?[\d.,]+$/.test(given) ? parseNumber("--verify", given, countOrNone("batches")) : given;
}
