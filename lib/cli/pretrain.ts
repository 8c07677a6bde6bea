import { apiOf } from "../options/option.js";
import { PRETRAINING } from "../options/pretraining.js";
import { SESSION } from "../options/run.js";
import { type PretrainEvent, pretrain } from "../train/pretrain.js";
import { pretrainPicture } from "../train/pretrain-picture.js";
import type { CommandArgs } from "./commands/command.js";
import type { PRETRAIN } from "./commands/training.js";
import { dataOfFlags, stateOfFlags, warn } from "./common.js";
import { pictureFormat, writePicture } from "./picture.js";
import { pretrainingText } from "./pretraining-text.js";
import { quoted } from "./resume-command.js";

/** Pretrains the layers of a solver's net, and writes them as weights to start from. */
export async function run(args: CommandArgs<typeof PRETRAIN>): Promise<void> {
  const { solver, output, picture, json, quiet, strict, weights, seed } = args;
  if (picture !== undefined) pictureFormat(picture, ["png"]);
  const events = pretrain({
    solver: solver!,
    ...apiOf(SESSION, args),
    ...stateOfFlags(args),
    ...dataOfFlags(args),
    ...apiOf(PRETRAINING, args),
    weights,
    seed,
    strict,
    output,
    onWarning: warn,
  });
  for await (const event of events) {
    if (json) process.stdout.write(`${JSON.stringify(told(event))}\n`);
    else if (!quiet || event.kind === "pretrain-done")
      for (const line of linesOf(event, args)) process.stdout.write(`${line}\n`);
    if (event.kind !== "pretrain-done" || picture === undefined) continue;
    const png = await pretrainPicture(event.stack, event.data, seed);
    await writePicture(picture, png);
  }
}

/** An event without its arrays. */
function told(event: PretrainEvent): object {
  if (event.kind !== "pretrain-done") return event;
  return { kind: event.kind, path: event.path, layers: [...event.weights.keys()] };
}

function linesOf(event: PretrainEvent, { solver, output, picture }: CommandArgs<typeof PRETRAIN>): readonly string[] {
  switch (event.kind) {
    case "pretrain-start":
      return event.layers.map(({ layer, method, visibleUnits, visible, hidden, decoder }) => {
        const unrolled = decoder === undefined ? "" : `, unrolled to ${decoder}`;
        return `${layer}: ${method}, ${visible} ${visibleUnits} units to ${hidden}${unrolled}`;
      });
    case "pretrain-iteration":
      return [`${event.layer}, iteration ${event.iteration}: ${pretrainingText(event)}`];
    case "pretrain-layer":
      return [
        `${event.layer} is pretrained: reconstruction error ${event.first.reconstructionError.toPrecision(4)} to ${event.reconstructionError.toPrecision(4)}`,
      ];
    case "pretrain-done":
      return [
        `weights in ${output}`,
        ...(picture === undefined ? [] : [`data, reconstructions and weights in ${picture}`]),
        `fine-tune with: netrun train ${quoted(solver!)} --weights ${quoted(output)}`,
      ];
  }
}
