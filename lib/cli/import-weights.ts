import { importWeights } from "../convert/index.js";
import { writeWhole } from "../file.js";
import { apiOf } from "../options/option.js";
import type { CommandArgs } from "./commands/command.js";
import { IMPORT_WEIGHTS } from "./commands/conversion.js";

/** Writes the weights of a converted model back as Caffe has them. */
export async function run(args: CommandArgs<typeof IMPORT_WEIGHTS>): Promise<void> {
  await writeWhole(args.output, importWeights(args.model!, args.net!, apiOf(IMPORT_WEIGHTS, args)));
  console.log(args.output);
}
