import { drawNet } from "../inspect/draw.js";
import type { CommandArgs } from "./commands/command.js";
import type { DRAW } from "./commands/files.js";
import { stateOfFlags, warn } from "./common.js";
import { pictureFormat, writePicture } from "./picture.js";

/** Draws a net. */
export async function run({
  net,
  output,
  phase,
  shape,
  strict,
  full,
  ...args
}: CommandArgs<typeof DRAW>): Promise<void> {
  const format = pictureFormat(output, ["svg", "png", "dot"]);
  const options = { ...stateOfFlags(args), format, full, phase, shapes: shape, strict, onWarning: warn };
  await writePicture(output, await drawNet(net!, options));
}
