import type protobuf from "protobufjs/light.js";
import { NetrunError, nearest } from "../error.js";
import type { Lexer } from "./lexer.js";
import type { UnknownField } from "./notes.js";
import {
  accept,
  checkDepth,
  describeToken,
  eachField,
  eachValue,
  failAt,
  isAt,
  openMessage,
  type Reading,
  shortened,
  type UnknownSeen,
} from "./reading.js";
import { spanAt } from "./source.js";

/** Reads a field that the schema does not know, at its name. Throws where that is an error (strict). */
export function readUnknown(reading: Reading, type: protobuf.Type, depth: number): readonly UnknownField[] {
  const { lexer } = reading;
  const { start } = lexer.token;
  const fields: UnknownField[] = [];
  const name = readName(lexer);
  const seen = note(reading, { type, name, start, end: lexer.lastEnd }, Object.keys(type.fields));
  if (reading.strict) throw warningOf(reading, seen);
  readValues(lexer, name, start, depth, fields);
  for (const field of fields) seen.texts.add("text" in field ? field.text : "{}");
  return fields;
}

/**
 * Reads the value of an enum at its token, if the schema does not know it. Undefined where it does, and where it looks like a known
 * one misspelt: that is an error of whoever reads it. Throws where any unknown value is an error (strict).
 */
export function readUnknownValue(reading: Reading, field: protobuf.Field): UnknownField | undefined {
  const { lexer, explain } = reading;
  const { values, valuesById } = field.resolvedType as protobuf.Enum;
  const { token } = lexer;
  const text = lexer.textOf(token);
  const type = field.parent as protobuf.Type;
  const isName = token.kind === "identifier" && !Object.hasOwn(values, text);
  if (!isName && !(token.kind === "integer" && valuesById[Number(text)] === undefined)) return undefined;
  const known = explain(type.name, field.name, text);
  if (reading.strict || (!known && isName && nearest(text, Object.keys(values)))) return undefined;
  const { start, end } = lexer.next();
  note(reading, { type, name: field.name, value: text, start, end }, []);
  return { name: field.name, text, place: [start, end] };
}

/** An identifier, or an extension's name in square brackets. */
function readName(lexer: Lexer): string {
  if (!accept(lexer, "[")) return lexer.textOf(lexer.next());
  let name = "[";
  while (!isAt(lexer, "]")) {
    if (lexer.token.kind === "end") throw failAt(lexer, lexer.token, 'expected "]" after the name of an extension');
    name += lexer.textOf(lexer.next());
  }
  lexer.next();
  return `${name}]`;
}

/** Reads a list where the schema has one value: a fork has several. */
export function readUnknownList(reading: Reading, field: protobuf.Field, start: number): readonly UnknownField[] {
  const { lexer } = reading;
  const from = lexer.token.start;
  const fields: UnknownField[] = [];
  eachValue(lexer, () => fields.push({ name: field.name, text: readScalarText(lexer), place: [start, lexer.lastEnd] }));
  const type = field.parent as protobuf.Type;
  note(reading, { type, name: field.name, value: "[...]", start: from, end: lexer.lastEnd }, []);
  return fields;
}

/** Reads a further value of a field that has one in the schema, and several in a fork. */
export function readUnknownFurther(reading: Reading, field: protobuf.Field, start: number): readonly UnknownField[] {
  const { lexer } = reading;
  const from = lexer.token.start;
  const fields: UnknownField[] = [];
  readItems(lexer, field.name, start, 0, fields);
  const type = field.parent as protobuf.Type;
  note(reading, { type, name: field.name, value: "[...]", start: from, end: lexer.lastEnd }, []);
  return fields;
}

function readValues(lexer: Lexer, name: string, start: number, depth: number, fields: UnknownField[]): void {
  checkDepth(lexer, depth);
  const colon = accept(lexer, ":");
  if (!colon && !isAt(lexer, "{") && !isAt(lexer, "<"))
    throw failAt(lexer, lexer.token, `expected ":" or "{" after ${name}, found ${describeToken(lexer, lexer.token)}`);
  readItems(lexer, name, start, depth, fields);
}

/** Reads what is after an unknown field's colon: a value, a message or a list of them. */
function readItems(lexer: Lexer, name: string, start: number, depth: number, fields: UnknownField[]): void {
  eachValue(lexer, () => {
    const closing = openMessage(lexer);
    if (closing === undefined) {
      fields.push({ name, text: readScalarText(lexer), place: [start, lexer.lastEnd] });
      return;
    }
    const nested: UnknownField[] = [];
    eachField(lexer, closing, () => {
      if (lexer.token.kind !== "identifier" && !isAt(lexer, "["))
        throw failAt(
          lexer,
          lexer.token,
          `expected a field of ${name} or "${closing}", found ${describeToken(lexer, lexer.token)}`,
        );
      const { start: nestedStart } = lexer.token;
      readValues(lexer, readName(lexer), nestedStart, depth + 1, nested);
    });
    fields.push({ name, fields: nested, place: [start, lexer.lastEnd] });
  });
}

function readScalarText(lexer: Lexer): string {
  const isSigned = isAt(lexer, "-");
  if (isSigned) lexer.next();
  const isQuote = isAt(lexer, '"') || isAt(lexer, "'");
  if (lexer.token.kind === "end" || (lexer.token.kind === "symbol" && !isQuote))
    throw failAt(lexer, lexer.token, `expected a value, found ${describeToken(lexer, lexer.token)}`);
  const strings = [lexer.next()];
  while (strings[0]!.kind === "string" && lexer.token.kind === "string") strings.push(lexer.next());
  return (isSigned ? "-" : "") + strings.map(lexer.textOf).join(" ");
}

type Place = { readonly type: protobuf.Type } & Omit<UnknownSeen, "type" | "near" | "texts" | "homes" | "count">;

function note({ unknown }: Reading, { type, ...place }: Place, candidates: readonly string[]): UnknownSeen {
  const key = `${type.name}.${place.name}=${place.value ?? ""}`;
  let seen = unknown.get(key);
  if (!seen) {
    const near = nearestField(place.name, candidates);
    const homes = place.value === undefined && !near ? homesOf(type, place.name) : [];
    seen = { type: type.name, ...place, near, texts: new Set(), homes, count: 0 };
    unknown.set(key, seen);
  }
  seen.count++;
  return seen;
}

/** The ending of fields that hold a layer's parameters, which says nothing of how near two of them are. */
const PARAM = /_param$/;

/** The field nearest to a name. */
export function nearestField(name: string, candidates: readonly string[]): string | undefined {
  if (!PARAM.test(name)) return nearest(name, candidates);
  const stems = candidates.filter((each) => PARAM.test(each)).map((each) => each.replace(PARAM, ""));
  const near = nearest(name.replace(PARAM, ""), stems);
  return near && `${near}_param`;
}

/** Messages beside a type that have a field of a name; none for names that many have. */
function homesOf({ parent }: protobuf.Type, name: string): readonly string[] {
  const all = (parent?.nestedArray ?? []).filter(
    (each): each is protobuf.Type => "fields" in each && Object.hasOwn((each as protobuf.Type).fields, name),
  );
  const current = all.map((each) => each.name).filter((each) => !/^V[01]LayerParameter$/.test(each));
  return current.length > 2 ? [] : current;
}

/** One warning for each unknown field, where it was first seen. */
export function warningsOf(reading: Reading): NetrunError[] {
  return Array.from(reading.unknown.values(), (seen) => warningOf(reading, seen));
}

function warningOf(
  { lexer, explain }: Reading,
  { type, name, value, start, end, near, texts, homes, count }: UnknownSeen,
): NetrunError {
  const what = value === undefined ? "field" : "value";
  const elsewhere =
    homes.length > 0 ? `${homes.join(" and ")} ${homes.length > 1 ? "have" : "has"} such a field: ` : "";
  const guess = near
    ? `did you mean ${near}?`
    : elsewhere
      ? `${elsewhere}is it in the wrong message?`
      : `Caffe has no such ${what}; it is from a fork of Caffe or misspelt`;
  const notes = [...(explain(type, name, value, texts.size === 1 ? [...texts][0] : undefined) ?? [guess])];
  if (count > 1) notes.push(`it is set ${count} times`);
  const message =
    value === undefined ? `${type} has no field ${shortened(name)}` : `${name} has no value ${shortened(value)}`;
  return new NetrunError(message, { span: spanAt(lexer.source, start, end), notes });
}
