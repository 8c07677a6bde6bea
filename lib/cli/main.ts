import { readFileSync } from "node:fs";
import { NetrunError } from "../error.js";
import { commands } from "./commands/index.js";
import { commandNamed, requestOf } from "./request.js";

/** Exit status where the user can mend what is wrong, as against a bug. */
const USER_ERROR = 1;
const BUG = 70;

/**
 * Runs the command line; the exit status. What the user can mend is one located message on stderr and status 1;
 * anything else is a bug, status 70. Stack traces only with --verbose.
 */
export async function run(argv: readonly string[]): Promise<number> {
  const { command: word, rest } = requestOf(argv, commands);
  const flags = rest.includes("--") ? rest.slice(0, rest.indexOf("--")) : rest;
  try {
    if (flags.includes("--version")) console.log(ownVersion());
    else if (flags.includes("--help") || flags.includes("-h")) await printHelp(word);
    else {
      const command = commandNamed(word, commands);
      const { parseCommand, splitterFor } = await import("./parse.js");
      const args = parseCommand(command, rest, commands, await splitterFor(rest)) as {
        readonly plugin?: readonly string[];
        readonly maxAlloc?: string;
      };
      if (args.maxAlloc !== undefined) await setMaxAlloc(args.maxAlloc);
      if (args.plugin !== undefined) await (await import("../layers/index.js")).loadPlugins(args.plugin);
      await (await command.load()).run(args as never);
    }
    return 0;
  } catch (error) {
    const { coloured } = await import("./colours.js");
    process.stderr.write(`${coloured(describeError(error, flags.includes("--verbose")), "error", process.stderr)}\n`);
    return error instanceof NetrunError ? USER_ERROR : BUG;
  }

  async function setMaxAlloc(text: string): Promise<void> {
    const { parseBytes, setLimits } = await import("../budget.js");
    setLimits({ maxAlloc: parseBytes(text, "--max-alloc") });
  }

  async function printHelp(name: string | undefined): Promise<void> {
    const { helpOf, helpOfAll } = await import("./help.js");
    const columns = Math.min(120, process.stdout.columns ?? 100);
    process.stdout.write(
      name === undefined ? helpOfAll(commands, columns) : helpOf(commandNamed(name, commands), columns),
    );
  }
}

/** The version of netrun itself, wherever it is run from. */
function ownVersion(): string {
  // From dist/lib/cli up to the package's root.
  const path = new URL("../../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(path, "utf8")) as { readonly version: string }).version;
}

function describeError(error: unknown, verbose: boolean): string {
  if (error instanceof NetrunError) return verbose ? `${error.format()}\n${error.stack}` : error.format();
  const { message, stack } = error as Error;
  return verbose ? `${stack}` : `netrun failed: ${message}\nnote: this is a bug in netrun; --verbose shows where`;
}
