import { basename, relative } from "node:path";
import type { ResolvedChoice } from "../data/feed/net-feeds.js";
import { isSubmitted } from "../options/cluster.js";
import { NetrunError } from "../error.js";
import type { DATA } from "../options/data.js";
import { FEED, TRANSFORM } from "../options/data.js";
import { type Args, apiOf } from "../options/option.js";
import { STATE } from "../options/run.js";
import { coloured } from "./colours.js";
import { quoted } from "./resume-command.js";

/** Data choice, from the flags. */
export function dataOfFlags(args: Args<typeof DATA>): ResolvedChoice {
  const transform = apiOf(TRANSFORM, args);
  return { ...apiOf(FEED, args), ...(Object.keys(transform).length > 0 && { transform }) };
}

/** Level and stages from the flags. */
export const stateOfFlags = (args: Args<typeof STATE>) => apiOf(STATE, args);

/** Throws NetrunError where weights stand in the net's place; `command` is what is meant, by the net and its weights. */
export function refuseSwapped(
  net: string,
  weights: readonly string[],
  command: (net: string, weights: readonly string[]) => string,
): void {
  const text = weights.find((path) => /\.(prototxt|pbtxt|txt)$/i.test(path));
  if (!/\.(caffemodel|h5)$/i.test(net) || text === undefined) return;
  const rest = [net, ...weights.filter((path) => path !== text)];
  throw new NetrunError(`${net} has weights, ${text} is a net: the net comes first`, {
    notes: [`netrun ${command(text, rest)}`],
  });
}

/** The same of commands with -model and -weights. */
export function refuseSwappedFlags(name: string, model: string, weights: readonly string[]): void {
  refuseSwapped(model, weights, (net, rest) => `${name} -model ${net} -weights ${rest.join(",")}`);
}

/** Command that started this program, for commands that it suggests: `netrun` where it is installed, else the file. */
export function programName(): string {
  const file = process.argv[1] ?? "netrun";
  // An archive's files are gone with the application.
  return basename(file) === "netrun.js" && !isSubmitted() ? `node ${quoted(relative(process.cwd(), file))}` : "netrun";
}

/** Prints a warning on stderr. */
export function warn(warning: NetrunError): void {
  process.stderr.write(`${coloured(`warning: ${warning.format()}`, "warning", process.stderr)}\n`);
}

/** Prints what a command found: lines for people or, with --json, one JSON document, where a number that is not finite is null. */
export function report(args: { readonly json: boolean }, result: object, lines: () => readonly string[]): void {
  const text = args.json ? JSON.stringify(result, plain, 2) : lines().join("\n");
  process.stdout.write(`${text}\n`);
}

/** Arrays of numbers and maps as JSON has them. */
function plain(_key: string, value: unknown): unknown {
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return Array.from(value as Float32Array);
  return value instanceof Map ? Object.fromEntries(value) : value;
}

/** Tests whether only the result is wanted, without progress and lines on the way. */
export const isQuiet = ({ quiet, json }: { readonly quiet: boolean; readonly json: boolean }): boolean => quiet || json;
