import { existsSync } from "node:fs";
import { NetrunError, nearest } from "../error.js";
import type { Command } from "./commands/command.js";

/** Parsed command line. */
export interface CommandRequest {
  /** The word that names the command; undefined without one. */
  readonly command: string | undefined;
  /** The words after it, and those before. */
  readonly rest: readonly string[];
}

/**
 * Finds the command of a command line: its first word or, where flags come first, the first word that is one.
 * Flags have one dash or two and underscores or dashes, as Caffe's: `-sigint_effect=stop` is `--sigint-effect=stop`.
 */
export function requestOf(argv: readonly string[], commands: readonly Command[]): CommandRequest {
  const words = argv.map(normalFlag);
  const isWord = (word: string) => !word.startsWith("-");
  const known = (word: string) => isWord(word) && commands.some((each) => isNamed(each, word));
  const first = words[0] !== undefined && isWord(words[0]) ? 0 : words.findIndex(known);
  const at = first < 0 ? words.findIndex(isWord) : first;
  return { command: words[at], rest: words.filter((_, i) => i !== at) };
}

const isNamed = ({ name, aliases = [] }: Command, word: string) => name === word || aliases.includes(word);

function normalFlag(word: string): string {
  const [flag] = /^--?[a-zA-Z][\w-]+/.exec(word) ?? [];
  if (flag === undefined) return word;
  return `--${flag.replace(/^-+/, "").replaceAll("_", "-")}${word.slice(flag.length)}`;
}

/** The command that a word names. Throws NetrunError, with what was probably meant. */
export function commandNamed(word: string | undefined, commands: readonly Command[]): Command {
  if (word === undefined) throw new NetrunError("which command?", { notes: [HELP] });
  const found = commands.find((each) => isNamed(each, word));
  if (found) return found;
  const near = nearest(
    word,
    commands.flatMap(({ name, aliases = [] }) => [name, ...aliases]),
  );
  const known = TOOLS[word.replace(/\.(py|bin|sh|cpp)$/, "")];
  if (known !== undefined) throw new NetrunError(`there is no command "${word}"`, { notes: [known, HELP] });
  const notes = near !== undefined ? [`did you mean netrun ${near}?`] : existsSync(word) ? [fileNote(word)] : [];
  throw new NetrunError(`there is no command "${word}"`, { notes: [...notes, HELP] });
}

const tool = (command: string) => `Caffe's tool of this name is netrun ${command}`;

/** Caffe's tools, and what else people write for a command. */
const TOOLS: Readonly<Record<string, string>> = {
  convert_imageset: tool("import"),
  compute_image_mean: tool("mean"),
  extract_features: tool("extract"),
  upgrade_net_proto_text: tool("upgrade"),
  upgrade_net_proto_binary: tool("upgrade"),
  upgrade_solver_proto_text: tool("upgrade"),
  draw_net: tool("draw"),
  classification: tool("classify"),
  train_net: tool("train"),
  finetune_net: tool("train --weights"),
  test_net: tool("test"),
  net_speed_benchmark: tool("time"),
  parse_log: tool("plot"),
  plot_training_log: tool("plot"),
  version: "netrun --version prints it",
};

const HELP = "netrun --help lists commands and flags";
const fileNote = (path: string) => `a file is given to a command: netrun inspect ${path} shows what is in it`;

/** A command with its words: "netrun inspect <file>". */
export function usageOf({ name, options }: Command): string {
  return ["usage: netrun", name, ...Object.values(options).flatMap(({ positional = [] }) => positional)].join(" ");
}
