import type { Options } from "../../options/option.js";
import { JSON_OUTPUT, OUTPUT } from "./command.js";

/** `netrun spark pack`: what has to be done once for a Spark cluster. */
export const SPARK = {
  action: {
    type: "choice",
    choices: ["pack"],
    positional: "<action>",
    required: true,
    describe: "pack: write an archive of Node and netrun for executors that have neither, and check it",
  },
  output: { ...OUTPUT, describe: "The archive (netrun-PLATFORM-PROCESSOR.tar.gz)" },
  ...JSON_OUTPUT,
} as const satisfies Options;
