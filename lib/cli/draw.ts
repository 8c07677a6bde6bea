import { loadNet } from "../caffe/load.js";
import { NetrunError } from "../error.js";
import { writeWhole } from "../file.js";
import { toDot } from "../inspect/dot.js";
import { drawSvg } from "../inspect/drawing.js";
import { inspectNet, type NetSummary } from "../inspect/index.js";
import type { CommandArgs } from "./commands/command.js";
import type { DRAW } from "./commands/files.js";
import { stateOfFlags, warn } from "./common.js";
import { pictureFormat, writePicture } from "./picture.js";

type DrawArgs = CommandArgs<typeof DRAW>;

/** Draws a net. */
export async function run(args: DrawArgs): Promise<void> {
  const out = args.output;
  const format = pictureFormat(out, ["svg", "png", "dot"]);
  const nets = await summaries(args);
  if (format === "dot") await writeWhole(out, toDot(nets));
  else await writePicture(out, await drawSvg(nets), format);
}

async function summaries({ net, phase, shape, strict, ...args }: DrawArgs): Promise<NetSummary[]> {
  const { message, baseDir, path } = loadNet(net!, { strict, onWarning: warn });
  const options = { ...stateOfFlags(args), shapes: new Map(Object.entries(shape ?? {})), baseDir, path };
  const phases = phase === undefined ? (["TRAIN", "TEST"] as const) : [phase];
  const nets: NetSummary[] = [];
  const errors: NetrunError[] = [];
  for (const each of phases) {
    try {
      nets.push(await inspectNet(message, { ...options, phase: each }));
    } catch (error) {
      if (!(error instanceof NetrunError)) throw error;
      errors.push(error);
    }
  }
  // Many nets are meant for one phase: the other has no data, say.
  if (nets.length === 0) throw errors[0]!;
  for (const error of errors) warn(error);
  return nets;
}
