import { NetrunError, type Span } from "../../error.js";
import { spanOfUnknown, type UnknownField, unknownFields } from "../../text/notes.js";
import { nearestField } from "../../text/unknown.js";
import type { Message } from "../message.js";
import { reflect } from "../schema.js";
import { isNumbered } from "./binary.js";
import { candidatesOf } from "./numbers.js";
import type { ForkField } from "./field.js";
import { FORK_FIELDS } from "./fields.js";

/** Note on a field of a message, or of a value of an enum, that Caffe does not have; undefined: nothing. */
export function forkField(type: string, field: string, value?: string): ForkField | undefined {
  // V1 layers have the fields of today's, but for their type.
  const own = type === "V1LayerParameter" && field !== "type" ? "LayerParameter" : type;
  return FORK_FIELDS.find(
    ({ message, fields, values }) =>
      (message === own || message === "*") &&
      fields.includes(field) &&
      (values === undefined || (value !== undefined && values.includes(value))),
  );
}

/** Tests whether forks have several values of a field that has one in Caffe. */
export const isForkList = (type: string, field: string): boolean => forkField(type, field)?.list === true;

/** Note on a V1 layer type that Caffe lacks: the net loads, and where it runs the layer is refused or has a plugin. */
const V1_TYPE = ["a layer type of a fork of Caffe, or misspelt; it is read by its words: UNPOOLING is Unpooling"];

/** Notes for the warning of a field or value that the schema does not have; undefined where nothing is known of it. */
export function explainFork(type: string, field: string, value?: string, text?: string): readonly string[] | undefined {
  const known = forkField(type, field, value ?? text);
  if (!known && type === "V1LayerParameter" && field === "type" && value !== undefined) return V1_TYPE;
  if (!known) return undefined;
  const { forks, meaning, refused, list, read, unless } = known;
  const whose = `${forks === "all" ? "of forks of Caffe" : `of ${forks}`}: ${meaning}`;
  if (list || read) return [whose];
  const isDefault = text !== undefined && unless?.some((each) => isSame(each, text)) === true;
  return [whose, refused && !isDefault ? `where the net runs it is refused: ${refused}` : "it has no effect here"];
}

/** A field of a message that a net does not run with, and whether shapes follow from it. */
export interface Refusal {
  readonly field: string;
  readonly error: NetrunError;
  readonly shapes: boolean;
}

/**
 * An error, located, for the first field in a message (a layer, a net's own fields, a solver) that changes what a fork computes
 * and that netrun does not have. An unknown field may change it too. Undefined for a message without such fields.
 */
export function refusedFork(message: Message, what: string): NetrunError | undefined {
  return refusalOf([...refusals(message, what)]);
}

/** The error of the first refusal, with the names of the other fields in a note, so that all can be seen to at once. */
export function refusalOf([first, ...others]: readonly Refusal[]): NetrunError | undefined {
  if (!first || others.length === 0) return first?.error;
  const { message: text, span, file, notes, unsupported } = first.error;
  const names = [...new Set(others.map(({ field }) => field))].join(", ");
  return new NetrunError(text, { span, file, notes: [...notes, `refused here too: ${names}`], unsupported });
}

/**
 * All fields of a message, those of messages in it included, that a net does not run with. Those of fillers are asked where they
 * fill: weights of a file make them none of its business.
 */
export function* refusals(message: Message, what: string): Generator<Refusal> {
  const { $type: type } = message as unknown as { readonly $type: { readonly name: string } };
  for (const field of unknownFields(message)) {
    const error = refusal(type.name, field, what, spanOfUnknown(message, field));
    if (error) yield { field: field.name, error, shapes: knownOf(type.name, field)?.shapes === true };
  }
  for (const { name, resolvedType, repeated } of reflect(type.name as "LayerParameter").fieldsArray) {
    // Layers of a net are asked one by one.
    if (!resolvedType || !Object.hasOwn(message, name) || (repeated && type.name === "NetParameter")) continue;
    if (resolvedType.name === "FillerParameter") continue;
    const value = (message as unknown as Record<string, unknown>)[name];
    for (const nested of repeated && name !== "blobs" ? (value as readonly unknown[]) : [value])
      if (isNested(nested)) yield* refusals(nested, what);
  }
}

/** Tests for a message: values of enums and lists of blobs are not messages. */
const isNested = (value: unknown): value is Message =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const textOf = (field: UnknownField): string | undefined => ("text" in field ? field.text : undefined);

const knownOf = (type: string, field: UnknownField): ForkField | undefined =>
  forkField(type, field.name, textOf(field));

function refusal(type: string, field: UnknownField, what: string, span: Span | undefined): NetrunError | undefined {
  if (isNumbered(field.name)) return ofNumber(field.name, what);
  const text = textOf(field);
  const known = knownOf(type, field);
  const isValue = Object.hasOwn(reflect(type as "LayerParameter").fields, field.name);
  if (
    known &&
    (known.refused === undefined || (text !== undefined && known.unless?.some((each) => isSame(each, text))))
  )
    return undefined;
  if (!known && !isValue) return ofNobody(type, field.name, what, span);
  const [value, which] = [text === undefined ? field.name : `${field.name}: ${text}`, isValue ? "value" : "field"];
  const notes = known ? [`of ${known.forks}: ${known.meaning}`, known.refused!] : ["Caffe has no such value of it"];
  return new NetrunError(`${what}${value} is a ${which} of a fork of Caffe that netrun does not have`, {
    span,
    notes: [...notes, "netrun inspect and draw show the net all the same"],
    unsupported: true,
  });
}

const QUOTES = /^['"]|['"]$/g;
const BOOLEANS: Readonly<Record<string, string>> = { True: "true", t: "true", False: "false", f: "false" };

/** Tests whether two texts of a value mean the same: 1, 1.0 and 1e0, or a text in either kind of quotes. */
function isSame(a: string, b: string): boolean {
  const [one, other] = [a, b].map((text) => text.replace(QUOTES, "")) as [string, string];
  const isNumber = one !== "" && Number(one) === Number(other.replace(/f$/, ""));
  return one === other || isNumber || one === BOOLEANS[other] || (one === "true" && other === "1");
}

/** Note on a field that is neither in Caffe nor in the table. */
function ofNobody(type: string, name: string, what: string, span: Span | undefined): NetrunError {
  const near = nearestField(name, Object.keys(reflect(type as "LayerParameter").fields));
  return new NetrunError(`${what}${type} has no field ${name}, which may change what is computed`, {
    span,
    notes: [
      near
        ? `did you mean ${near}?`
        : "it is misspelt, or belongs to a fork of Caffe that netrun does not know; Caffe refuses it too",
      "where it changes nothing, take it out; netrun inspect and draw show the net all the same",
    ],
    unsupported: true,
  });
}

/** Note on a field or V1 type of a binary net that forks have given different meanings. */
function ofNumber(name: string, what: string): NetrunError {
  const candidates = candidatesOf(name).map(([fork, field]) => `${field} (${fork})`);
  const called = name.startsWith("layers.type.")
    ? `V1 layer type ${name.slice("layers.type.".length)}`
    : `field ${name}`;
  return new NetrunError(`${what}${called} of this binary net means another thing in each fork of Caffe`, {
    notes: [
      ...(candidates.length > 0 ? [`it may be ${candidates.join(" or ")}`] : []),
      "a binary net has numbers of fields, not names, and forks number theirs as they like",
      "give the net as a prototxt: its weights are read from this file all the same",
      "netrun inspect and draw show the net all the same",
    ],
    unsupported: true,
  });
}
