import { join } from "node:path";
import type { CommandModule } from "yargs";
import { importSource } from "../data/import/import.js";
import { DIGIT_PARTS, type DigitPart } from "../data/source/digits/source.js";
import { progressBar } from "./ticker.js";

interface DatasetArgs {
  readonly name?: string;
  readonly out: string;
}

/** `netrun dataset digits`: writes the embedded data set as Arrow files, for other programs. */
export const datasetCommand: CommandModule<object, DatasetArgs> = {
  command: "dataset <name>",
  describe: "Write an embedded data set to Arrow files",
  builder: (yargs) =>
    yargs
      .positional("name", { choices: ["digits"], describe: "Which data set" })
      .option("out", { alias: "o", type: "string", default: ".", describe: "The folder to write to" }) as never,
  handler: async ({ name, out }) => {
    for (const part of Object.keys(DIGIT_PARTS) as DigitPart[]) {
      const path = join(out, `${name}-${part}.arrow`);
      const bar = progressBar(process.stderr, "rows");
      const { rows } = await importSource({ kind: "digits", part }, path, { progress: bar.at }).finally(() =>
        bar.end(),
      );
      process.stdout.write(`${path}: ${rows} images; train on it with --data ${path}\n`);
    }
  },
};
