import type { Args, Options } from "../../options/option.js";

/** A command: what its flags are, and where its code is, which is loaded when it runs. */
export interface Command {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly describe: string;
  readonly options: Options;
  /** Command lines to begin with, shown by --help. They run as written, in the order of the list of commands, where `models` is. */
  readonly examples: readonly string[];
  /** Runs it with its arguments read; `args` are what `options` say. */
  readonly load: () => Promise<{ run(args: never): Promise<void> | void }>;
}

/** Flags of every command. */
export const GLOBAL = {
  verbose: { type: "boolean", default: false, describe: "Print stack traces of errors" },
  quiet: {
    type: "boolean",
    alias: "q",
    default: false,
    describe: "Print only results and errors, no progress and no log",
  },
  strict: { type: "boolean", default: false, describe: "Treat unknown prototxt fields as errors" },
  plugin: { type: "strings", describe: "JavaScript file with layers" },
  maxAlloc: {
    type: "string",
    describe: "Maximum memory for reading a file, beyond its size: 500M, 4G (default 1G)",
  },
} as const satisfies Options;

/** The flag of commands that report something. */
export const JSON_OUTPUT = {
  json: { type: "boolean", default: false, api: false, describe: "Print the result as JSON" },
} as const satisfies Options;

/** Output path of a command: one spelling in all of them. */
export const OUTPUT = { type: "string", alias: "o", also: ["out"], api: false } as const;

/** Values of a command's flags, with those of every command. */
export type CommandArgs<T extends Options> = Args<T> & Args<typeof GLOBAL>;
