import yargs from "yargs";
import { NetrunError } from "../error.js";
import { loadPlugins } from "../layers/index.js";
import { classifyCommand } from "./classify.js";
import { convertCommand } from "./convert.js";
import { datasetCommand } from "./dataset.js";
import { devicesCommand } from "./devices.js";
import { drawCommand } from "./draw.js";
import { extractCommand } from "./extract.js";
import { importCommand } from "./import.js";
import { importWeightsCommand } from "./import-weights.js";
import { inspectCommand } from "./inspect.js";
import { layersCommand } from "./layers.js";
import { meanCommand } from "./mean.js";
import { plotCommand } from "./plot.js";
import { testCommand } from "./test.js";
import { timeCommand } from "./time.js";
import { trainCommand } from "./train.js";
import { upgradeCommand } from "./upgrade.js";

const commands = [
  trainCommand,
  testCommand,
  timeCommand,
  extractCommand,
  classifyCommand,
  devicesCommand,
  plotCommand,
  convertCommand,
  importWeightsCommand,
  inspectCommand,
  drawCommand,
  upgradeCommand,
  layersCommand,
  importCommand,
  meanCommand,
  datasetCommand,
];

/** Exit status where the user can mend what is wrong, as against a bug. */
const USER_ERROR = 1;
const BUG = 70;

/**
 * Runs the command line; the exit status. What the user can mend is one located message on stderr and status 1;
 * anything else is a bug, status 70. Stack traces only with --verbose.
 */
export async function run(args: readonly string[]): Promise<number> {
  const normal = args.map(doubleDash);
  const verbose = normal.includes("--verbose");
  try {
    const parser = yargs(normal)
      .scriptName("netrun")
      .usage("$0 COMMAND\n\nTrains, runs and tests Caffe models.")
      .option("verbose", { type: "boolean", default: false, describe: "Stack traces with errors", global: true })
      .option("strict", {
        type: "boolean",
        default: false,
        describe: "Unknown prototxt fields are errors",
        global: true,
      })
      .option("plugin", {
        type: "string",
        array: true,
        nargs: 1,
        default: [],
        describe: "File of layers in JavaScript",
        global: true,
      })
      .middleware(({ plugin }) => loadPlugins(plugin))
      .command(commands as never)
      .demandCommand(1, "which command?")
      .strict()
      .exitProcess(false)
      .fail((message, error) => {
        throw error ?? new NetrunError(message, { notes: ["netrun --help lists commands and flags"] });
      })
      .wrap(Math.min(120, process.stdout.columns ?? 100));
    await parser.parseAsync();
    return 0;
  } catch (error) {
    process.stderr.write(`${describeError(error, verbose)}\n`);
    return error instanceof NetrunError ? USER_ERROR : BUG;
  }
}

function describeError(error: unknown, verbose: boolean): string {
  if (error instanceof NetrunError) return verbose ? `${error.format()}\n${error.stack}` : error.format();
  const { message, stack } = error as Error;
  return verbose ? `${stack}` : `netrun failed: ${message}\nnote: this is a bug in netrun; --verbose shows where`;
}

/** Caffe's flags have one dash or two and underscores: `-sigint_effect=stop` is `--sigint-effect=stop`. */
function doubleDash(arg: string): string {
  const [flag] = /^--?[a-zA-Z][\w-]+/.exec(arg) ?? [];
  if (flag === undefined) return arg;
  return `--${flag.replace(/^-+/, "").replaceAll("_", "-")}${arg.slice(flag.length)}`;
}
