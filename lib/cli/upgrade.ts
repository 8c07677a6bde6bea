import type { CommandModule } from "yargs";
import { isBinary, readBytes } from "../caffe/files.js";
import { loadNet, loadSolver } from "../caffe/load.js";
import { encode } from "../caffe/message.js";
import { NetrunError } from "../error.js";
import { writeWhole } from "../file.js";
import { kindOf } from "../inspect/identify.js";
import { printText } from "../text/print.js";
import { warn } from "./common.js";

interface UpgradeArgs {
  readonly file?: string;
  readonly out?: string;
  readonly strict: boolean;
}

/** `netrun upgrade FILE [-o OUT]`: a net or solver in an old format, written in today's; text stays text and binary binary. */
export const upgradeCommand: CommandModule<object, UpgradeArgs> = {
  command: "upgrade <file>",
  describe: "Write an old net or solver in today's format",
  builder: (yargs) =>
    yargs
      .positional("file", { type: "string", describe: "A net or solver, text or binary" })
      .option("out", { alias: "o", type: "string", describe: "The file to write; stdout without" }) as never,
  handler: async ({ file, out, strict }) => {
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
  },
};

async function write(out: string | undefined, text: string): Promise<void> {
  if (out === undefined) process.stdout.write(text);
  else await writeWhole(out, text);
}
