import { isBinary, readBytes } from "../caffe/files.js";
import { loadNet, loadSolver } from "../caffe/load.js";
import { encode } from "../caffe/message.js";
import { NetrunError } from "../error.js";
import { writeWhole } from "../file.js";
import { kindOf } from "../inspect/identify.js";
import { printText } from "../text/print.js";
import type { CommandArgs } from "./commands/command.js";
import type { UPGRADE } from "./commands/files.js";
import { warn } from "./common.js";

/** Writes an old net or solver in today's format; text stays text and binary binary. */
export async function run({ file, out, strict }: CommandArgs<typeof UPGRADE>): Promise<void> {
  const { path, bytes } = readBytes(file!);
  const kind = kindOf(bytes, path);
  if (kind === "state" || kind === "mean")
    throw new NetrunError("is no net or solver", { file: path, notes: ["only these have old formats"] });
  const options = { strict, onWarning: warn };
  const { message, upgrades } = kind === "solver" ? loadSolver(path, options) : loadNet(path, options);
  if (upgrades.length === 0) process.stderr.write(`${path} is in today's format already\n`);
  if (!isBinary(bytes)) await write(out, printText(message));
  else if (out !== undefined) await writeWhole(out, encode(message));
  else throw new NetrunError("a binary file is not written to the terminal", { file: path, notes: ["add -o FILE"] });
}

async function write(out: string | undefined, text: string): Promise<void> {
  if (out === undefined) process.stdout.write(text);
  else await writeWhole(out, text);
}
