import { join } from "node:path";
import { importSource } from "../data/import/import.js";
import { DIGIT_PARTS } from "../data/source/digits/source.js";
import type { SourceSpec } from "../data/source/open.js";
import { SHAPE_PARTS } from "../data/source/shapes/source.js";
import type { CommandArgs } from "./commands/command.js";
import type { DATASET } from "./commands/files.js";
import { isQuiet, report } from "./common.js";
import { progressBar } from "./ticker.js";

/** The parts of each embedded data set. */
const PARTS = { digits: DIGIT_PARTS, shapes: SHAPE_PARTS } as const;

/** Writes an embedded data set as Arrow files. */
export async function run(args: CommandArgs<typeof DATASET>): Promise<void> {
  const { output } = args;
  const name = args.name!;
  const files: { readonly path: string; readonly rows: number }[] = [];
  for (const part of Object.keys(PARTS[name])) {
    const path = join(output, `${name}-${part}.arrow`);
    const bar = progressBar(process.stderr, "rows", isQuiet(args));
    const { rows } = await importSource({ kind: name, part } as SourceSpec, path, { progress: bar.at }).finally(() =>
      bar.end(),
    );
    files.push({ path, rows });
  }
  report(args, files, () => files.map(({ path, rows }) => `${path}: ${rows} images; train on it with --data ${path}`));
}
