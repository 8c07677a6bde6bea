import { join } from "node:path";
import { importSource } from "../data/import/import.js";
import { DIGIT_PARTS, type DigitPart } from "../data/source/digits/source.js";
import type { CommandArgs } from "./commands/command.js";
import type { DATASET } from "./commands/files.js";
import { isQuiet, report } from "./common.js";
import { progressBar } from "./ticker.js";

/** Writes the embedded data set as Arrow files. */
export async function run(args: CommandArgs<typeof DATASET>): Promise<void> {
  const { name, output } = args;
  const files: { readonly path: string; readonly rows: number }[] = [];
  for (const part of Object.keys(DIGIT_PARTS) as DigitPart[]) {
    const path = join(output, `${name}-${part}.arrow`);
    const bar = progressBar(process.stderr, "rows", isQuiet(args));
    const { rows } = await importSource({ kind: "digits", part }, path, { progress: bar.at }).finally(() => bar.end());
    files.push({ path, rows });
  }
  report(args, files, () => files.map(({ path, rows }) => `${path}: ${rows} images; train on it with --data ${path}`));
}
