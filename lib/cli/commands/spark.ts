import type { Options } from "../../options/option.js";
import { JSON_OUTPUT, OUTPUT } from "./command.js";

/** `netrun spark pack`: what has to be done once for a Spark cluster. */
export const SPARK = {
  action: {
    type: "choice",
    choices: ["pack"],
    positional: "<action>",
    required: true,
    describe: "pack: write and check an archive of Node and netrun for executors",
  },
  output: { ...OUTPUT, describe: "Archive to write (default netrun-PLATFORM-PROCESSOR.tar.gz)" },
  ...JSON_OUTPUT,
} as const satisfies Options;
