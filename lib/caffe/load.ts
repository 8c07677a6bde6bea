import { dirname } from "node:path";
import { NetrunError, type Span } from "../error.js";
import { shown } from "../options/number.js";
import { unknownFields } from "../text/notes.js";
import { parseText } from "../text/parse.js";
import { topNames } from "../text/top-names.js";
import { refuseOther, refuseText } from "./content.js";
import { isBinary, readBytes, textOf } from "./files.js";
import { withFieldsOfForks } from "./forks/binary.js";
import { explainFork, isForkList } from "./forks/index.js";
import { decode, has } from "./message.js";
import type { NetParameter, SolverParameter } from "./messages.js";
import { mostMessages, reflect } from "./schema.js";
import { type Upgraded, upgradeNet, upgradeSolver } from "./upgrade.js";

/** Options to load a net or solver. */
export interface LoadOptions {
  /** Makes unknown fields errors instead of warnings. */
  readonly strict?: boolean | undefined;
  /** Called for what is odd but no error: unknown fields, old formats. */
  readonly onWarning?: ((warning: NetrunError) => void) | undefined;
  /** Name in errors of a text that is not a file. */
  readonly name?: string | undefined;
  /** Folder where a path is looked up after the working directory. */
  readonly baseDir?: string | undefined;
  /** The place that names the path, for the error when there is no such file. */
  readonly span?: Span | undefined;
}

/** Loaded message, in today's format. */
export interface Loaded<M> {
  readonly message: M;
  /** The file; undefined for a text. */
  readonly path: string | undefined;
  /** The folder that paths inside are looked up from after the working directory. */
  readonly baseDir: string;
  /** The names of the old things in it, such as "V1 layers". */
  readonly upgrades: readonly string[];
}

/** Source of a net or solver: a prototxt file, a binary file, the text of a prototxt, or the message itself. */
export type From<M> = string | M;

/** A net in today's format. Throws NetrunError where the file does not exist or something in it is wrong. */
export function loadNet(from: From<NetParameter>, options: LoadOptions = {}): Loaded<NetParameter> {
  return load("NetParameter", from, options, upgradeNet);
}

/** A solver in today's format, as `loadNet`. The nets that it names are loaded by `solverNets`. */
export function loadSolver(from: From<SolverParameter>, options: LoadOptions = {}): Loaded<SolverParameter> {
  return load("SolverParameter", from, options, upgradeSolver);
}

/** Tests whether a prototxt, by path or as a text, is a net rather than a solver: nothing in it is a solver's. */
export function isNet(pathOrText: string, options: LoadOptions = {}): boolean {
  if (isText(pathOrText)) return isNetText(pathOrText);
  const { bytes } = readBytes(pathOrText, options);
  return !isBinary(bytes) && isNetText(textOf(bytes, pathOrText));
}

function isNetText(text: string): boolean {
  try {
    return hasFieldsOfOther("SolverParameter", topNames(text));
  } catch {
    // The error, with its place, comes from whoever loads it.
    return false;
  }
}

type Loadable = { NetParameter: NetParameter; SolverParameter: SolverParameter };

function load<K extends keyof Loadable>(
  type: K,
  from: From<Loadable[K]>,
  options: LoadOptions,
  upgrade: (message: Loadable[K], warn: (warning: NetrunError) => void) => Upgraded<Loadable[K]>,
): Loaded<Loadable[K]> {
  const { onWarning = () => {} } = options;
  if (typeof from !== "string" && (typeof from !== "object" || from === null || Array.isArray(from)))
    throw new NetrunError(`${CALLED[type]} is a path, a text or a message, not ${shown(from)}`);
  if (typeof from === "string" && from.startsWith("netrun:"))
    throw new NetrunError(`"${from}" names data, where ${CALLED[type]} is expected`, { notes: ["--data reads it"] });
  const file = typeof from !== "string" || isText(from) ? undefined : readBytes(from, options);
  const name = file?.path ?? options.name ?? "<text>";
  const message = typeof from === "string" ? read(type, from, file?.bytes, { ...options, name }) : from;
  const { message: upgraded, passes } = upgrade(message, onWarning);
  if (passes.length > 0) onWarning(oldFormat(name, file?.path, passes));
  return { message: upgraded, path: file?.path, baseDir: file ? dirname(file.path) : ".", upgrades: passes };
}

function read<K extends keyof Loadable>(
  type: K,
  text: string,
  bytes: Uint8Array | undefined,
  options: LoadOptions,
): Loadable[K] {
  if (bytes && isBinary(bytes)) {
    refuseOther(type, bytes, options.name);
    const message = decode(type, bytes, options.name) as Loadable[K];
    return type === "NetParameter" ? (withFieldsOfForks(message as NetParameter) as Loadable[K]) : message;
  }
  if (bytes) refuseText(type, bytes, options.name);
  return parse(type, bytes ? textOf(bytes, options.name ?? text) : text, options);
}

/** A path has no line break, brace or colon with a value; a prototxt that says anything has. */
function isText(pathOrText: string): boolean {
  return /[\n{]|^\s*\w+\s*:\s*[\w"'.-]/.test(pathOrText);
}

const OTHER = { NetParameter: "SolverParameter", SolverParameter: "NetParameter" } as const;
const CALLED = { NetParameter: "a net", SolverParameter: "a solver" } as const;

/**
 * The kind of a prototxt by the names of its fields, read as far as one of them tells; it is not parsed.
 * Throws NetrunError at a string before that which is not closed.
 */
export function kindOfText(text: string, name?: string): keyof Loadable {
  return hasFieldsOfOther("NetParameter", topNames(text, name)) ? "SolverParameter" : "NetParameter";
}

/** Tests whether names of fields are only the other kind's, as far as they tell. */
function hasFieldsOfOther(type: keyof Loadable, names: Iterable<string>): boolean {
  const [own, other] = [reflect(type).fields, reflect(OTHER[type]).fields];
  let hasOthers = false;
  for (const name of names) {
    if (name in own && !(name in other)) return false;
    if (name in other && !(name in own)) hasOthers = true;
  }
  return hasOthers;
}

function parse<K extends keyof Loadable>(type: K, text: string, options: LoadOptions): Loadable[K] {
  const warnings: NetrunError[] = [];
  const parsing = {
    ...options,
    strict: false,
    explain: explainFork,
    isList: isForkList,
    meant: todaysLayer,
    maxMessages: mostMessages(),
    onWarning: (warning: NetrunError) => warnings.push(warning),
  };
  const message = parseText(reflect(type), text, parsing) as Loadable[K];
  const other = isLabelMap(message) ? "a label map" : isOther(type, message) ? CALLED[OTHER[type]] : undefined;
  if (other) throw new NetrunError(`this is ${other}, where ${CALLED[type]} is expected`, { file: options.name });
  if (options.strict && warnings[0]) throw warnings[0];
  for (const warning of warnings) options.onWarning?.(warning);
  return message;
}

/** V1's `layers` whose type is in quotes: a layer of today's kind under the older name, which Caffe refuses. */
const todaysLayer: NonNullable<Parameters<typeof parseText>[2]>["meant"] = (type, field, kindOf) =>
  type === "NetParameter" && field === "layers" && kindOf("type") === "string"
    ? {
        field: "layer",
        warning: "`layers` with a type in quotes is read as `layer`",
        notes: ['Caffe refuses it: write layer { type: "Data" }, or layers { type: DATA }'],
      }
    : undefined;

/** Tests whether a message has nothing but the items of SSD's label maps. */
function isLabelMap(message: Loadable[keyof Loadable]): boolean {
  const unknown = unknownFields(message);
  return (
    unknown.length > 0 &&
    unknown.every(({ name }) => name === "item") &&
    Object.keys(message).every((field) => !has(message, field as never))
  );
}

/** Tests whether a message has fields of the other kind, and none that only its own kind has. */
function isOther<K extends keyof Loadable>(type: K, message: Loadable[K]): boolean {
  const { fields } = reflect(OTHER[type]);
  const own = Object.keys(message).filter((field) => has(message, field as never) && !(field in fields));
  return own.length === 0 && unknownFields(message).some(({ name }) => name in fields);
}

function oldFormat(name: string, path: string | undefined, passes: readonly string[]): NetrunError {
  const found = passes.includes("V0 layers") ? passes.filter((pass) => pass !== "V1 layers") : passes;
  return new NetrunError(`has old ${found.join(", ")}, read as what they are today`, {
    file: name,
    notes: path === undefined ? [] : [`\`netrun upgrade ${path} -o FILE\` writes it in today's format`],
  });
}
