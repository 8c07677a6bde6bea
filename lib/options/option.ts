import { NetrunError, nearest } from "../error.js";
import { checkNumber, isInRange, type NumberRange, parseNumber, shown } from "./number.js";

interface Common {
  /** One line for `--help`. */
  readonly describe: string;
  /** A one-letter flag. */
  readonly alias?: string;
  /** Other spellings of the flag, which are read and not shown. */
  readonly also?: readonly string[];
  /** Heading in `--help`. */
  readonly group?: string;
  readonly required?: true;
  /** Its place among the words of the command, as usage shows it: `<file>`, `[weights..]`. */
  readonly positional?: string;
  /** The API's name for it where that is not the table's; false where the API has none. */
  readonly api?: string | false;
}

interface NumberSpec extends Common {
  readonly type: "number";
  readonly range: NumberRange;
  readonly default?: number;
  /** Words that stand for a number. */
  readonly words?: readonly string[];
  /** Number of the API's units in one of the flag's: 1000 where a flag of seconds is an option in milliseconds. */
  readonly perUnit?: number;
}

/** One option: how its flag is read, and its name in the API. */
export type OptionSpec =
  | NumberSpec
  /** Several numbers: a flag given several times, with several values, or with commas between. */
  | (Common & { readonly type: "numbers"; readonly range: NumberRange })
  | (Common & { readonly type: "string"; readonly default?: string })
  /** Text; the flag alone is true, and false after `--no-`. The last one counts. */
  | (Common & { readonly type: "text-or-flag" })
  /** A flag that may be given several times. */
  | (Common & { readonly type: "strings" })
  /** Names with commas between. */
  | (Common & { readonly type: "names" })
  | (Common & { readonly type: "boolean"; readonly default?: boolean })
  | (Common & { readonly type: "choice"; readonly choices: readonly string[]; readonly default?: string })
  /** GPUs by number, with commas between, or all of them. */
  | (Common & { readonly type: "devices" })
  /** Shapes by blob name: BLOB=1,3,224,224. */
  | (Common & { readonly type: "shapes" });

/** A group of options by the names that programs use; flags have dashes. */
export type Options = Readonly<Record<string, OptionSpec>>;

type Shapes = Readonly<Record<string, readonly number[]>>;

/** Value of an option. */
export type ValueOf<S extends OptionSpec> = S extends { type: "number" }
  ? S extends { words: readonly (infer W)[] }
    ? number | W
    : number
  : S extends { type: "numbers" }
    ? readonly number[]
    : S extends { type: "text-or-flag" }
      ? string | boolean
      : S extends { type: "strings" | "names" }
        ? readonly string[]
        : S extends { type: "boolean" }
          ? boolean
          : S extends { type: "choice"; choices: readonly (infer C)[] }
            ? C
            : S extends { type: "shapes" }
              ? Shapes
              : S extends { type: "devices" }
                ? readonly number[] | "all"
                : string;

type Certain<S> = S extends { default: unknown } | { required: true } ? true : false;

/** Values of a group of flags. */
export type Args<T extends Options> = {
  readonly [K in keyof T as Certain<T[K]> extends true ? K : never]: ValueOf<T[K]>;
} & { readonly [K in keyof T as Certain<T[K]> extends true ? never : K]?: ValueOf<T[K]> };

type ApiName<K, S> = S extends { api: infer N } ? (N extends string ? N : never) : K;

/** A group of options as the API takes them; those that are not given are absent. */
export type ApiOptions<T extends Options> = { readonly [K in keyof T as ApiName<K, T[K]>]?: ValueOf<T[K]> };

/** The flag of an option, without dashes before it: `batchSize` is batch-size. */
export const flagOf = (name: string): string =>
  name.replaceAll("_", "-").replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** The options of a group as the API names them, in its units. */
export function apiOf<T extends Options>(table: T, args: { readonly [K in keyof T]?: unknown }): ApiOptions<T> {
  const given: [string, unknown][] = [];
  for (const [name, spec] of Object.entries(table)) {
    const value = args[name];
    if (value === undefined || spec.api === false) continue;
    const factor = spec.type === "number" ? (spec.perUnit ?? 1) : 1;
    given.push([spec.api ?? name, typeof value === "number" ? value * factor : value]);
  }
  return Object.fromEntries(given) as ApiOptions<T>;
}

/** Checks what a program gives for a group of options; one that is undefined is not given. Throws NetrunError. */
export function checkOptions(table: Options, options: unknown): void {
  if (typeof options !== "object" || options === null)
    throw new NetrunError(`options are ${shown(options)}, no object`);
  const given = options as Readonly<Record<string, unknown>>;
  for (const [name, spec] of Object.entries(table)) {
    const key = spec.api === undefined ? name : spec.api;
    const value = key === false ? undefined : given[key];
    if (value !== undefined) checkValue(key as string, value, spec);
  }
}

function checkValue(name: string, value: unknown, spec: OptionSpec): void {
  switch (spec.type) {
    case "number":
      if (!spec.words?.includes(value as string)) checkNumber(name, value, rangeInApi(spec));
      break;
    case "numbers":
      if (!Array.isArray(value)) checkNumber(name, value, spec.range);
      else for (const each of value) checkNumber(name, each, spec.range);
      break;
    case "choice":
      if (!spec.choices.includes(value as string)) throw unfit(name, value, `one of ${spec.choices.join(", ")}`);
      break;
    case "boolean":
      if (typeof value !== "boolean") throw unfit(name, value, "true or false");
      break;
    case "string":
      if (typeof value !== "string") throw unfit(name, value, "a text");
      break;
    case "names":
    case "strings":
      if (!isListOf(value, (item) => typeof item === "string")) throw unfit(name, value, "a list of texts");
      break;
    case "devices":
      if (value !== "all" && !isListOf(value, (item) => isInRange(item, DEVICE)))
        throw unfit(name, value, '"all" or a list of GPUs, from 0 on');
      break;
    case "shapes":
      checkShapes(name, value);
  }
}

const isListOf = (value: unknown, isItem: (item: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(isItem);

const unfit = (name: string, value: unknown, words: string): NetrunError =>
  new NetrunError(`${name} is ${shown(value)}; it must be ${words}`);

function checkShapes(name: string, value: unknown): void {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw unfit(name, value, "an object with a shape for each blob's name");
  for (const [blob, shape] of Object.entries(value)) {
    if (!isListOf(shape, (dim) => isInRange(dim, { ...DIM, min: 0 })))
      throw unfit(`${name}.${blob}`, shape, "a list of whole numbers");
  }
}

function rangeInApi({ range, perUnit }: NumberSpec): NumberRange {
  if (perUnit === undefined) return range;
  const { unit: _, ...bounds } = range;
  return { ...bounds, ...(bounds.max !== undefined && { max: bounds.max * perUnit }) };
}

/** Reads what a flag was given, a text or several, or a boolean. Throws NetrunError, which names the flag. */
export function parseValue(flag: string, given: readonly (string | boolean)[], spec: OptionSpec): unknown {
  switch (spec.type) {
    case "boolean":
      return booleanOf(flag, given.at(-1)!);
    case "text-or-flag": {
      const last = given.at(-1)!;
      return last === "" || last === "true" ? true : last === "false" ? false : last;
    }
    case "strings":
      return given.map((text) => needText(flag, text));
    case "numbers":
      return given.flatMap((text) => String(text).split(",")).map((text) => parseNumber(flag, text, spec.range));
    case "shapes":
      return Object.fromEntries(given.map((text) => shapeOf(flag, String(text))));
  }
  if (given.length > 1) throw new NetrunError(`${flag} is given ${given.length} times: ${given.join(", ")}`);
  const text = needText(flag, given[0]!);
  switch (spec.type) {
    case "number":
      return spec.words?.includes(text) ? text : parseNumber(flag, text, spec.range);
    case "names": {
      const names = text.split(",").filter((item) => item !== "");
      if (names.length === 0) throw new NetrunError(`${flag} ${text}: no name is given`);
      return names;
    }
    case "devices":
      return text === "all" ? text : text.split(",").map((item) => parseNumber(flag, item, DEVICE));
    case "choice":
      if (spec.choices.includes(text)) return text;
      throw unknownChoice(flag, text, spec.choices);
    default:
      return text;
  }
}

function needText(flag: string, given: string | boolean): string {
  if (typeof given === "string" && given !== "") return given;
  throw new NetrunError(`${flag} has no value`);
}

function booleanOf(flag: string, given: string | boolean): boolean {
  if (typeof given === "boolean") return given;
  if (given === "true" || given === "false") return given === "true";
  throw new NetrunError(`${flag}=${given}: give true or false`);
}

function unknownChoice(flag: string, text: string, choices: readonly string[]): NetrunError {
  const near = nearest(text, choices);
  return new NetrunError(`${flag} ${text}: give one of ${choices.join(", ")}`, {
    notes: near === undefined ? [] : [`did you mean ${near}?`],
  });
}

/** Numbers of GPUs: more than a machine has. */
const DEVICE = { whole: true, min: 0, max: 63 } as const;

const DIM = { whole: true, min: 1, max: 2 ** 31 - 1 } as const;

function shapeOf(flag: string, text: string): readonly [name: string, shape: readonly number[]] {
  const [, name, dims] = /^(.+?)=(.+)$/.exec(text) ?? [];
  if (name === undefined || dims === undefined) {
    throw new NetrunError(`${flag} ${text}: give BLOB=DIM,DIM,...`, { notes: [`such as ${flag} data=1,3,224,224`] });
  }
  return [name, dims.split(",").map((dim) => parseNumber(`${flag} ${name}=${dims}: dimension`, dim, DIM))] as const;
}
