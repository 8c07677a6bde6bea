import { basename, relative } from "node:path";
import type { ResolvedChoice } from "../data/feed/net-feeds.js";
import { NetrunError } from "../error.js";
import type { Provider, SessionOptions } from "../onnx/session.js";

/** Items of a flag that takes several with commas between. */
export const listOf = (value: string | undefined): readonly string[] =>
  value === undefined ? [] : value.split(",").filter((item) => item !== "");

/** Flags of every verb that runs a net. */
export const RUN_FLAGS = {
  level: { type: "number", describe: "Level of the net state" },
  stage: { type: "string", describe: "Stages of the net state: NAME[,NAME...]" },
  gpu: { type: "string", describe: "Run on a GPU: its number (0 is the first)" },
  provider: { choices: ["cpu", "cuda", "webgpu"], describe: "Execution provider" },
  threads: { type: "number", describe: "Threads inside one op" },
} as const;

/** What `RUN_FLAGS` parse to. */
export interface RunArgs {
  readonly level?: number;
  readonly stage?: string;
  readonly gpu?: string;
  readonly provider?: string;
  readonly threads?: number;
  readonly strict: boolean;
}

/** Flags of every verb that reads data. */
export const DATA_FLAGS = {
  data: {
    type: "string",
    describe: "Data in place of what the net's data layers read: a path, or netrun:digits/train",
  },
  "batch-size": { type: "number", describe: "Rows of a batch" },
  "on-bad-record": {
    choices: ["fail", "skip"],
    describe: "A record that does not decode ends the run, or is reported and left out",
  },
  scale: { type: "number", describe: "What values are multiplied by, in place of the net's scale" },
  "mean-value": { type: "number", array: true, describe: "Subtracted from each channel before" },
  "mean-file": { type: "string", describe: "A mean image to subtract before" },
  "crop-size": { type: "number", describe: "Side of the crop" },
  mirror: { type: "boolean", describe: "Mirror images at random" },
} as const;

/** What `DATA_FLAGS` parse to. */
export interface DataArgs {
  readonly data?: string;
  readonly batchSize?: number;
  readonly onBadRecord?: "fail" | "skip";
  readonly scale?: number;
  readonly meanValue?: readonly number[];
  readonly meanFile?: string;
  readonly cropSize?: number;
  readonly mirror?: boolean;
}

/** Which data to read and how, from the flags. */
export function dataOf(args: DataArgs): ResolvedChoice {
  const transform = {
    ...(args.scale !== undefined && { scale: args.scale }),
    ...(args.meanValue !== undefined && { meanValues: args.meanValue }),
    ...(args.meanFile !== undefined && { meanFile: args.meanFile }),
    ...(args.cropSize !== undefined && { cropSize: args.cropSize }),
    ...(args.mirror !== undefined && { mirror: args.mirror }),
  };
  return {
    data: args.data,
    batchSize: args.batchSize,
    onBadRecord: args.onBadRecord,
    ...(Object.keys(transform).length > 0 && { transform }),
  };
}

/** Session options from the flags that every running verb has. Throws NetrunError for GPUs that netrun cannot choose. */
export function sessionOf({ threads, provider, gpu }: RunArgs): SessionOptions {
  if (gpu !== undefined && gpu !== "0") {
    throw new NetrunError(`-gpu ${gpu}: netrun runs on the first GPU, 0`, {
      notes: ["CUDA_VISIBLE_DEVICES chooses which that is; --workers trains on several cores or machines"],
    });
  }
  const chosen = provider ?? (gpu === undefined ? undefined : "cuda");
  return {
    ...(threads !== undefined && { threads }),
    ...(chosen !== undefined && { provider: chosen as Provider }),
  };
}

/** Level and stages from the flags. */
export const stateOf = ({ level, stage }: RunArgs) => ({
  stages: listOf(stage),
  ...(level !== undefined && { level }),
});

/** How this program was started, for commands that it suggests: `netrun` where it is installed, else the file. */
export function programName(): string {
  const file = process.argv[1] ?? "netrun";
  return basename(file) === "netrun.js" ? `node ${relative(process.cwd(), file)}` : "netrun";
}

/** Prints a warning on stderr. */
export function warn(warning: NetrunError): void {
  process.stderr.write(`warning: ${warning.format()}\n`);
}

/** Shapes of inputs from `--shape BLOB=1,3,224,224` flags. Throws NetrunError for what is written otherwise. */
export function shapesOf(flags: readonly string[] = []): Readonly<Record<string, readonly number[]>> {
  return Object.fromEntries(
    flags.map((text) => {
      const [, name, dims] = /^([^=]+)=(\d+(?:,\d+)*)$/.exec(text) ?? [];
      if (name === undefined) throw new NetrunError(`--shape ${text}: not BLOB=DIM,DIM,...`);
      return [name, dims!.split(",").map(Number)] as const;
    }),
  );
}
