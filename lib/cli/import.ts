import { basename, resolve } from "node:path";
import type { ColourMode, ImageDecoding } from "../data/image/image.js";
import { importSource } from "../data/import/import.js";
import { detectSource } from "../data/source/detect.js";
import { NetrunError } from "../error.js";
import type { CommandArgs } from "./commands/command.js";
import type { IMPORT } from "./commands/files.js";
import { isQuiet, report } from "./common.js";
import { progressBar } from "./ticker.js";

type ImportArgs = CommandArgs<typeof IMPORT>;

/** Copies a data set to Arrow. */
export async function run(args: ImportArgs): Promise<void> {
  const source = detectSource(args.source!);
  if (resolve(args.output!) === resolve(args.source!))
    throw new NetrunError("source and output are the same", { file: args.output });
  const bar = progressBar(process.stderr, "rows", isQuiet(args));
  const {
    rows,
    files,
    kept,
    skipped = 0,
  } = await importSource(source, args.output!, {
    images: decodingOf(args),
    shuffle: args.shuffle ? args.seed : undefined,
    rowsPerFile: args.rows,
    onBadRecord: args.onBadRecord,
    progress: bar.at,
  }).finally(() => bar.end());
  const where = files.length === 1 ? files[0]! : `${files.length} files in ${args.output}`;
  const notes = `${kept > 0 ? `, ${kept} kept` : ""}${skipped > 0 ? `, ${skipped} left out` : ""}`;
  report(args, { rows, files, kept, skipped }, () => [`${rows} rows of ${basename(args.source!)} in ${where}${notes}`]);
}

function decodingOf({ resize, gray, color, decode }: ImportArgs): ImageDecoding | undefined {
  if (gray && color) throw new NetrunError("--gray and --color exclude each other");
  const colour: ColourMode = gray ? "gray" : color ? "color" : "unchanged";
  if (resize === undefined) return decode || gray || color ? { colour } : undefined;
  const match = /^(\d+)x(\d+)$/.exec(resize);
  const [width, height] = [Number(match?.[1]), Number(match?.[2])];
  if (width > 0 && height > 0) return { colour: gray ? "gray" : "color", size: { width, height } };
  throw new NetrunError(`--resize ${resize}: WIDTHxHEIGHT is needed, such as 256x256`);
}
