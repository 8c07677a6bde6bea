import { inspectFile } from "../inspect/inspect.js";
import type { CommandArgs } from "./commands/command.js";
import type { INSPECT } from "./commands/files.js";
import { report, stateOfFlags, warn } from "./common.js";

/** Shows what is in a file. */
export async function run(args: CommandArgs<typeof INSPECT>): Promise<void> {
  const { file, phase, shape, strict } = args;
  const options = { ...stateOfFlags(args), phase, shapes: shape, strict, onWarning: warn };
  const { lines, inspected } = await inspectFile(file!, options);
  report(args, inspected, () => lines);
}
