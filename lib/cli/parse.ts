import type { Parser } from "yargs/helpers";
import { NetrunError, nearest } from "../error.js";
import { flagOf, type OptionSpec, type Options, parseValue } from "../options/option.js";
import { type Command, GLOBAL } from "./commands/command.js";
import { usageOf } from "./request.js";

/** Value that yargs gives a flag: one that is given several times is an array, one after `--no-` is false. */
type Given = string | boolean | readonly (string | boolean)[];

/**
 * Reads the flags and words of a command as its options say: yargs splits them up by the table, and `parseValue` reads each
 * value. Throws NetrunError for flags that are unknown, missing or misspelt.
 */
export function parseCommand(
  command: Command,
  words: readonly string[],
  all: readonly Command[],
  split: Splitter,
): object {
  const options: Options = { ...command.options, ...GLOBAL };
  const argv = split(spelled(command, words, options), configOf(options));
  const given = new Map<string, readonly (string | boolean)[]>();
  for (const [name, value] of Object.entries(argv) as [string, Given][]) {
    if (name === "_") continue;
    const spec = Object.hasOwn(options, name) ? options[name] : undefined;
    const texts = typeof value === "object" ? value : [value];
    // yargs negates flags of any type.
    const isNegated = texts.includes(false) && spec?.type !== "boolean" && spec?.type !== "text-or-flag";
    if (isNegated) throw unknownFlag(`--no-${flagOf(name)}`, command, all);
    if (spec === undefined) throw unknownFlag(`${name.length === 1 ? "-" : "--"}${name}`, command, all);
    given.set(name, texts);
  }
  placeWords(command, argv._.map(String), given);
  return valuesOf(command, options, given);
}

/** Splits a command line into flags by name and words, `_`: yargs' parser. */
export type Splitter = typeof Parser;

/** The splitter for these words: without a flag there is nothing to split, and yargs takes longer to load than most commands. */
export async function splitterFor(words: readonly string[]): Promise<Splitter> {
  if (words.some((word) => word.startsWith("-"))) return (await import("yargs/helpers")).Parser;
  return ((split) => ({ _: [...split] })) as Splitter;
}

const helpNote = ({ name }: Command) => `netrun ${name} --help lists its flags`;

/** The settings of yargs' parser for a table of options. Values stay text: `parseValue` knows ranges and units. */
function configOf(options: Options) {
  const entries = Object.entries(options);
  const named = (isWanted: (spec: OptionSpec) => boolean) =>
    entries.filter(([, spec]) => isWanted(spec)).map(([name]) => name);
  return {
    alias: Object.fromEntries(
      entries.map(([name, { alias = [], also = [] }]) => [
        name,
        [flagOf(name), ...also].concat(alias).filter((each) => each !== name),
      ]),
    ),
    boolean: named(({ type }) => type === "boolean"),
    string: named(({ type }) => type !== "boolean"),
    narg: Object.fromEntries(named(takesValue).map((name) => [name, 1])),
    configuration: {
      "camel-case-expansion": false,
      "dot-notation": false,
      // -1e-5 is a value.
      "nargs-eats-options": true,
      "parse-numbers": false,
      "parse-positional-numbers": false,
      "short-option-groups": false,
      "strip-aliased": true,
    },
  };
}

const takesValue = ({ type }: OptionSpec) => type !== "boolean" && type !== "text-or-flag";

/** One more number or shape after a flag of several: `--mean-value 104 117 123`. */
const ITEMS: { readonly [T in OptionSpec["type"]]?: RegExp } = {
  numbers: /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i,
  shapes: /^[^-=][^=]*=\d+(,\d+)*$/,
};

/** Words as yargs reads them: see the comments. Throws NetrunError for flags without their value. */
function spelled(command: Command, words: readonly string[], options: Options): string[] {
  const names = new Map(
    Object.entries(options).flatMap(([name, { alias, also = [] }]) =>
      [name, flagOf(name), alias, ...also].map((flag) => [flag, name]),
    ),
  );
  const out: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (word === "--") return [...out, ...words.slice(i)];
    const [, flag = "", value] = /^--?([a-zA-Z][\w-]*)(?:=(.*))?$/s.exec(word) ?? [];
    const name = names.get(flag);
    const spec = options[name ?? ""];
    if (name === undefined || spec === undefined) {
      out.push(word);
      continue;
    }
    // A name that begins with `no-` is no negation: `--no-mean` is `--noMean`.
    const key = flag.startsWith("no-") ? `--${name}` : word.replace(/=.*$/s, "");
    if (spec.type === "boolean" && value !== undefined) parseValue(`--${flagOf(name)}`, [value], spec);
    // yargs takes an empty value, and a flag after a flag, otherwise.
    if (takesValue(spec) && (value === "" || (value === undefined && isEnd(words[i + 1])))) {
      throw new NetrunError(`--${flagOf(name)} has no value`, { notes: [helpNote(command)] });
    }
    out.push(value === undefined ? key : `${key}=${value}`);
    const item = ITEMS[spec.type];
    if (item === undefined || value !== undefined) continue;
    // yargs' arrays take all words up to the next flag, the command's own words too.
    out.push(words[++i]!);
    while (item.test(words[i + 1] ?? "")) out.push(`${key}=${words[++i]}`);
  }
  return out;
}

const isEnd = (word: string | undefined) => word === undefined || /^--$|^--?[a-zA-Z]/.test(word);

/** Words without a flag go to the command's places in order. */
function placeWords(
  command: Command,
  words: readonly string[],
  given: Map<string, readonly (string | boolean)[]>,
): void {
  const free = [...words];
  const places = Object.entries(command.options).filter(([name, spec]) => spec.positional && !given.has(name));
  for (const [name, spec] of places) {
    const taken = spec.positional!.includes("..") ? free.splice(0) : free.splice(0, 1);
    if (taken.length > 0) given.set(name, taken);
    else if (spec.positional!.startsWith("<")) {
      throw new NetrunError(`netrun ${command.name}: ${spec.positional} is missing`, { notes: [usageOf(command)] });
    }
  }
  if (free.length > 0) throw new NetrunError(`"${free[0]}" is an unexpected argument`, { notes: [usageOf(command)] });
}

function valuesOf(
  command: Command,
  options: Options,
  given: ReadonlyMap<string, readonly (string | boolean)[]>,
): object {
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
  const near =
    nearest(bare, flags) ??
    flags.find((each) => each.length > 3 && bare.startsWith(each)) ??
    flags.find((each) => each.split("-").includes(bare));
  const elsewhere = `it is a flag of netrun ${others.map(({ name }) => name).join(", ")}`;
  const notes = near !== undefined ? [`did you mean --${near}?`] : others.length > 0 ? [elsewhere] : [];
  return new NetrunError(`netrun ${command.name} has no flag ${flag}`, { notes: [...notes, helpNote(command)] });
}
