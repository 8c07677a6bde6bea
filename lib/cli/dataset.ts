import { join } from "node:path";
import { importSource } from "../data/import/import.js";
import { DIGIT_PARTS, type DigitPart } from "../data/source/digits/source.js";
import type { CommandArgs } from "./commands/command.js";
import type { DATASET } from "./commands/files.js";
import { progressBar } from "./ticker.js";

/** Writes the embedded data set as Arrow files. */
export async function run({ name, out }: CommandArgs<typeof DATASET>): Promise<void> {
  for (const part of Object.keys(DIGIT_PARTS) as DigitPart[]) {
    const path = join(out, `${name}-${part}.arrow`);
    const bar = progressBar(process.stderr, "rows");
    const { rows } = await importSource({ kind: "digits", part }, path, { progress: bar.at }).finally(() => bar.end());
    process.stdout.write(`${path}: ${rows} images; train on it with --data ${path}\n`);
  }
}
