import { isBinary, readBytes } from "../caffe/files.js";
import { loadNet, loadSolver } from "../caffe/load.js";
import { encode } from "../caffe/message.js";
import { NetrunError } from "../error.js";
import { writeWhole } from "../file.js";
import { kindOf } from "../inspect/identify.js";
import { printText } from "../text/print.js";
import type { CommandArgs } from "./commands/command.js";
import type { UPGRADE } from "./commands/files.js";
import { report, warn } from "./common.js";

/** Writes an old net or solver in today's format; text stays text and binary binary. */
export async function run(args: CommandArgs<typeof UPGRADE>): Promise<void> {
  const { file, output, strict } = args;
  if (args.json && output === undefined)
    throw new NetrunError("--json needs -o FILE: the net itself goes to the terminal without");
  const { path, bytes } = readBytes(file!);
  const kind = kindOf(bytes, path);
  if (kind === "state" || kind === "mean")
    throw new NetrunError("is no net or solver", { file: path, notes: ["only these have old formats"] });
  const options = { strict, onWarning: warn };
  const { message, upgrades } = kind === "solver" ? loadSolver(path, options) : loadNet(path, options);
  if (upgrades.length === 0) process.stderr.write(`${path} is in today's format already\n`);
  if (!isBinary(bytes)) await write(output, printText(message));
  else if (output !== undefined) await writeWhole(output, encode(message));
  else throw new NetrunError("a binary file is not written to the terminal", { file: path, notes: ["add -o FILE"] });
  if (args.json) report(args, { path: output, upgrades }, () => []);
}

async function write(out: string | undefined, text: string): Promise<void> {
  if (out === undefined) process.stdout.write(text);
  else await writeWhole(out, text);
}
