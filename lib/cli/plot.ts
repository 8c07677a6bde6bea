import { plot } from "../runs/plot/plot.js";
import type { CommandArgs } from "./commands/command.js";
import type { PLOT } from "./commands/training.js";
import { report } from "./common.js";
import { pictureFormat, writePicture } from "./picture.js";

/** Draws losses, scores and learning rates of runs, overlaid. */
export async function run(args: CommandArgs<typeof PLOT>): Promise<void> {
  const { logs = [], output, x, logX, logY } = args;
  const { picture, panels } = await plot(logs, { format: pictureFormat(output), x, logX, logY });
  await writePicture(output, picture);
  report(args, { path: output, panels, runs: logs }, () => [
    `${output}: ${panels.join(", ")} of ${logs.length} ${logs.length === 1 ? "run" : "runs"}`,
  ]);
}
