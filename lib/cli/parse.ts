import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { NetrunError, nearest } from "../error.js";
import { flagOf, type OptionSpec, type Options, parseValue } from "../options/option.js";
import { type Command, GLOBAL } from "./commands/command.js";

/** What a command line asks for. */
export interface Request {
  /** The word that names the command; undefined where there is none. */
  readonly command: string | undefined;
  /** The words after it, and those before. */
  readonly rest: readonly string[];
}

/**
 * Finds the command of a command line: its first word or, where flags come first, the first word that is one.
 * Flags have one dash or two and underscores or dashes, as Caffe's: `-sigint_effect=stop` is `--sigint-effect=stop`.
 */
export function requestOf(argv: readonly string[], commands: readonly Command[]): Request {
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
  const notes = near !== undefined ? [`did you mean netrun ${near}?`] : existsSync(word) ? [fileNote(word)] : [];
  throw new NetrunError(`there is no command "${word}"`, { notes: [...notes, HELP] });
}

const HELP = "netrun --help lists commands and flags";
const fileNote = (path: string) => `a file is given to a command: netrun inspect ${path} shows what is in it`;

/** Flags and words of a command as its options say. Throws NetrunError for flags that are unknown, missing or misspelt. */
export function parseCommand(command: Command, words: readonly string[], all: readonly Command[]): object {
  const options: Options = { ...command.options, ...GLOBAL };
  const names = new Map(Object.keys(options).map((name) => [flagOf(name), name]));
  const { tokens } = parseArgs({
    args: explicit(words, options, names),
    options: Object.fromEntries(Object.entries(options).map(([name, spec]) => [flagOf(name), configOf(spec)])),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const given = new Map<string, (string | boolean)[]>();
  const free: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") free.push(token.value);
    if (token.kind !== "option") continue;
    const name = names.get(token.name);
    if (name === undefined) throw unknownFlag(token.rawName, command, all);
    // `--data --batch-size 3`: what follows is a flag, not a value.
    const isFlag = !token.inlineValue && /^--?[a-zA-Z]/.test(token.value ?? "");
    if (isFlag) throw new NetrunError(`--${token.name} has no value`, { notes: [HELP_OF(command)] });
    const isBoolean = options[name]!.type === "boolean";
    given.set(name, [...(given.get(name) ?? []), token.value ?? (isBoolean ? true : "")]);
  }
  placeWords(command, free, given);
  return valuesOf(command, options, given);
}

const HELP_OF = ({ name }: Command) => `netrun ${name} --help lists its flags`;

function configOf({ type, alias }: OptionSpec) {
  return { type: type === "boolean" ? "boolean" : "string", ...(alias !== undefined && { short: alias }) } as const;
}

/** Several numbers after one flag: `--mean-value 104 117 123`. */
const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;
const SHAPE = /^[^-=][^=]*=\d+(,\d+)*$/;

/** Short forms written out: `--no-fold` as `--fold=false`, `--fold true` as one word, flags without their value, lists of values. */
function explicit(words: readonly string[], options: Options, names: ReadonlyMap<string, string>): string[] {
  const out: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (word === "--") return [...out, ...words.slice(i)];
    const [, camel] = /^--([a-zA-Z][\w-]*)/.exec(word) ?? [];
    if (camel === undefined) {
      out.push(word);
      continue;
    }
    // `--batchSize` is what the option is called in programs.
    const flag = options[camel] ? flagOf(camel) : camel;
    const value = word.slice(2 + camel.length);
    const negated = names.has(flag) ? undefined : names.get(flag.replace(/^no-/, ""));
    const spec = options[negated ?? names.get(flag) ?? ""];
    const next = words[i + 1] ?? "--";
    if (
      negated !== undefined &&
      flag.startsWith("no-") &&
      (spec?.type === "boolean" || spec?.type === "text-or-flag")
    ) {
      out.push(`--${flag.slice(3)}=${value === "=false"}`);
    } else if (value === "" && spec?.type === "boolean" && (next === "true" || next === "false")) {
      out.push(`--${flag}=${words[++i]}`);
    } else if (value === "" && spec !== undefined && spec.type !== "boolean" && isEnd(next)) {
      out.push(`--${flag}=`);
    } else {
      out.push(`--${flag}${value}`);
      const item = spec?.type === "numbers" ? NUMBER : spec?.type === "shapes" ? SHAPE : undefined;
      if (item === undefined || value !== "") continue;
      out.push(words[++i]!);
      while (item.test(words[i + 1] ?? "")) out.push(`--${flag}=${words[++i]}`);
    }
  }
  return out;
}

const isEnd = (word: string) => word === "--" || /^--?[a-zA-Z]/.test(word);

/** Words without a flag go to the command's places in order. */
function placeWords(command: Command, free: string[], given: Map<string, (string | boolean)[]>): void {
  const places = Object.entries(command.options).filter(([name, spec]) => spec.positional && !given.has(name));
  for (const [name, spec] of places) {
    const taken = spec.positional!.includes("..") ? free.splice(0) : free.splice(0, 1);
    if (taken.length > 0) given.set(name, taken);
    else if (spec.positional!.startsWith("<")) {
      throw new NetrunError(`netrun ${command.name}: ${spec.positional} is missing`, { notes: [usageOf(command)] });
    }
  }
  if (free.length > 0) throw new NetrunError(`"${free[0]}" is one word too many`, { notes: [usageOf(command)] });
}

/** A command with its words: "netrun inspect <file>". */
export function usageOf({ name, options }: Command): string {
  return ["usage: netrun", name, ...Object.values(options).flatMap(({ positional = [] }) => positional)].join(" ");
}

function valuesOf(command: Command, options: Options, given: ReadonlyMap<string, (string | boolean)[]>): object {
  const isMissing = ([name, spec]: [string, OptionSpec]) => spec.required && !given.has(name);
  const missing = Object.entries(options).filter(isMissing);
  if (missing.length > 0) {
    const flags = missing.map(([name]) => `--${flagOf(name)}`).join(" and ");
    throw new NetrunError(`netrun ${command.name} needs ${flags}`, {
      notes: missing.map(([name, { describe }]) => `--${flagOf(name)}: ${describe}`),
    });
  }
  return Object.fromEntries(
    Object.entries(options).flatMap(([name, spec]) => {
      const texts = given.get(name);
      if (texts !== undefined) return [[name, parseValue(labelOf(name, spec), texts, spec)]];
      return "default" in spec && spec.default !== undefined ? [[name, spec.default]] : [];
    }),
  );
}

const labelOf = (name: string, { positional }: OptionSpec) => positional ?? `--${flagOf(name)}`;

function unknownFlag(flag: string, command: Command, all: readonly Command[]): NetrunError {
  const bare = flag.replace(/^-+/, "");
  const flags = Object.keys({ ...command.options, ...GLOBAL }).map(flagOf);
  const others = all.filter(({ options }) => Object.keys(options).some((name) => flagOf(name) === bare));
  const near = nearest(bare, flags) ?? flags.find((each) => each.length > 3 && bare.startsWith(each));
  const elsewhere = `it is a flag of netrun ${others.map(({ name }) => name).join(", ")}`;
  const notes = near !== undefined ? [`did you mean --${near}?`] : others.length > 0 ? [elsewhere] : [];
  return new NetrunError(`netrun ${command.name} has no flag ${flag}`, { notes: [...notes, HELP_OF(command)] });
}
