import { describeRange } from "../options/number.js";
import { flagOf, type OptionSpec } from "../options/option.js";
import { type Command, GLOBAL } from "./commands/command.js";
import { usageOf } from "./request.js";

const HELP = { type: "boolean", alias: "h", describe: "Show help" } as const satisfies OptionSpec;
const VERSION = { type: "boolean", describe: "Show version number" } as const satisfies OptionSpec;
const GLOBAL_FLAGS: readonly Entry[] = Object.entries({ help: HELP, version: VERSION, ...GLOBAL });

type Entry = readonly [name: string, spec: OptionSpec];

/** The commands, and the flags that all of them have. */
export function helpOfAll(commands: readonly Command[], columns: number): string {
  const rows = commands.map((command) => {
    const alias = command.aliases === undefined ? "" : ` [alias: ${command.aliases.join(", ")}]`;
    return [usageOf(command).replace("usage: ", ""), `${command.describe}${alias}`] as const;
  });
  return [
    "netrun COMMAND",
    "",
    "Trains, runs and tests Caffe models. netrun COMMAND --help lists a command's flags.",
    ...section("Commands:", rows, columns),
    ...section("Options:", GLOBAL_FLAGS.map(optionRow), columns),
    "",
  ].join("\n");
}

/** A command's words and flags, in groups. */
export function helpOf(command: Command, columns: number): string {
  const entries = Object.entries(command.options);
  const words = entries.filter(([, spec]) => spec.positional);
  const flags = entries.filter(([, spec]) => !spec.positional);
  const groups = new Set(flags.map(([, { group }]) => group ?? "Options:"));
  return [
    usageOf(command).replace("usage: ", ""),
    "",
    command.describe,
    ...section(
      "Arguments:",
      words.map(([, spec]) => [spec.positional!, spec.describe + detailOf(spec)]),
      columns,
    ),
    ...[...groups].flatMap((group) =>
      section(group, flags.filter(([, spec]) => (spec.group ?? "Options:") === group).map(optionRow), columns),
    ),
    ...section("All commands:", GLOBAL_FLAGS.map(optionRow), columns),
    "",
    command.examples.length === 1 ? "Example:" : "Examples:",
    // Whole, so that they can be copied.
    ...command.examples.map((line) => `  ${line}`),
    "",
  ].join("\n");
}

/** A flag as help shows it, and what it does. */
export function optionRow([name, spec]: Entry): readonly [string, string] {
  const alias = spec.alias === undefined ? "    " : `-${spec.alias}, `;
  const value = VALUES[spec.type];
  return [`${alias}--${flagOf(name)}${value && ` ${value}`}`, spec.describe + detailOf(spec)];
}

/** Form of values after flags. */
const VALUES = {
  number: "N",
  numbers: "N...",
  string: "TEXT",
  "text-or-flag": "[TEXT]",
  strings: "TEXT",
  names: "NAMES",
  boolean: "",
  choice: "WORD",
  shapes: "SHAPE",
  devices: "N",
} as const satisfies Record<OptionSpec["type"], string>;

/** Allowed values and the default. */
function detailOf(spec: OptionSpec): string {
  const parts: string[] = [];
  if (spec.type === "number" || spec.type === "numbers") {
    const hasBounds = Object.keys(spec.range).some((key) => key !== "unit");
    if (hasBounds) parts.push(describeRange(spec.range).replace(/^a /, ""));
  }
  if (spec.type === "choice") parts.push(spec.choices.join(", "));
  if (spec.required) parts.push("required");
  if ("default" in spec && spec.default !== undefined && spec.default !== false) parts.push(`default ${spec.default}`);
  return parts.length === 0 ? "" : ` [${parts.join("; ")}]`;
}

function section(title: string, rows: readonly (readonly [string, string])[], columns: number): readonly string[] {
  if (rows.length === 0) return [];
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  const room = Math.max(20, columns - width - 2);
  return [
    "",
    title,
    ...rows.flatMap(([left, text]) =>
      wrapped(text, room).map((line, i) => `  ${(i === 0 ? left : "").padEnd(width)}${line}`),
    ),
  ];
}

function wrapped(text: string, width: number): readonly string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1)!;
    if (line !== "" && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines;
}
