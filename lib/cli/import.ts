import { basename, resolve } from "node:path";
import type { CommandModule } from "yargs";
import type { ColourMode, ImageDecoding } from "../data/image/image.js";
import { importSource } from "../data/import/import.js";
import { detectSource } from "../data/source/detect.js";
import { NetrunError } from "../error.js";
import { DATA_FLAGS } from "./common.js";
import { progressBar } from "./ticker.js";

interface ImportArgs {
  readonly source?: string;
  readonly out?: string;
  readonly resize?: string;
  readonly gray: boolean;
  readonly color: boolean;
  readonly decode: boolean;
  readonly shuffle: boolean;
  readonly seed: number;
  readonly rows?: number;
  readonly onBadRecord?: "fail" | "skip";
}

/** `netrun import SOURCE OUT.arrow`: any data set as Arrow, in place of Caffe's convert_imageset and its like. */
export const importCommand: CommandModule<object, ImportArgs> = {
  command: "import <source> <out>",
  describe: "Copy any data set to an Arrow file, or a folder of them",
  builder: (yargs) =>
    yargs
      .positional("source", { type: "string", describe: "A data set of any kind (FILE?label=NAME: see the manual)" })
      .positional("out", { type: "string", describe: "The Arrow file, or with --rows the folder" })
      .option("resize", { type: "string", describe: "Decode images and resize them: WIDTHxHEIGHT" })
      .option("decode", { type: "boolean", default: false, describe: "Decode images to pixels" })
      .option("gray", { type: "boolean", default: false, describe: "Decode images to one channel" })
      .option("color", { type: "boolean", default: false, describe: "Decode images to three channels" })
      .option("shuffle", { type: "boolean", default: false, describe: "Rows in random order" })
      .option("seed", { type: "number", default: 1, describe: "Seed of the order" })
      .option("on-bad-record", DATA_FLAGS["on-bad-record"])
      .option("rows", { type: "number", describe: "Rows of a file; goes on where an import was interrupted" }) as never,
  handler: async (args) => {
    const source = detectSource(args.source!);
    if (resolve(args.out!) === resolve(args.source!))
      throw new NetrunError("source and output are the same", { file: args.out });
    const bar = progressBar(process.stderr, "rows");
    const {
      rows,
      files,
      kept,
      skipped = 0,
    } = await importSource(source, args.out!, {
      images: decodingOf(args),
      shuffle: args.shuffle ? args.seed : undefined,
      rowsPerFile: rowsOf(args.rows),
      onBadRecord: args.onBadRecord,
      progress: bar.at,
    }).finally(() => bar.end());
    const where = files.length === 1 ? files[0]! : `${files.length} files in ${args.out}`;
    const notes = `${kept > 0 ? `, ${kept} kept` : ""}${skipped > 0 ? `, ${skipped} left out` : ""}`;
    process.stdout.write(`${rows} rows of ${basename(args.source!)} in ${where}${notes}\n`);
  },
};

function rowsOf(rows: number | undefined): number | undefined {
  if (rows === undefined || (Number.isInteger(rows) && rows > 0)) return rows;
  throw new NetrunError(`--rows ${rows}: a whole number of rows is needed`);
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
