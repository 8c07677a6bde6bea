import type protobuf from "protobufjs/light.js";
import { NetrunError, nearest, type Source } from "../error.js";
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
  const seen = note(reading, type, name, start, lexer.lastEnd);
  if (reading.strict) throw warningOf(lexer.source, seen);
  readValues(lexer, name, depth, fields);
  return fields;
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

function readValues(lexer: Lexer, name: string, depth: number, fields: UnknownField[]): void {
  checkDepth(lexer, depth);
  const colon = accept(lexer, ":");
  if (!colon && !isAt(lexer, "{") && !isAt(lexer, "<"))
    throw failAt(lexer, lexer.token, `expected ":" or "{" after ${name}, found ${describeToken(lexer, lexer.token)}`);
  eachValue(lexer, () => {
    const closing = openMessage(lexer);
    if (closing === undefined) {
      fields.push({ name, text: readScalarText(lexer) });
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
      readValues(lexer, readName(lexer), depth + 1, nested);
    });
    fields.push({ name, fields: nested });
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

function note({ unknown }: Reading, type: protobuf.Type, name: string, start: number, end: number): UnknownSeen {
  const key = `${type.name}.${name}`;
  let seen = unknown.get(key);
  if (!seen) {
    seen = { type: type.name, name, start, end, near: nearest(name, Object.keys(type.fields)), count: 0 };
    unknown.set(key, seen);
  }
  seen.count++;
  return seen;
}

/** One warning for each unknown field, where it was first seen. */
export function warningsOf(source: Source, unknown: ReadonlyMap<string, UnknownSeen>): NetrunError[] {
  return Array.from(unknown.values(), (seen) => warningOf(source, seen));
}

function warningOf(source: Source, { type, name, start, end, near, count }: UnknownSeen): NetrunError {
  const notes = near ? [`did you mean ${near}?`] : ["Caffe has no such field; it is from a fork of Caffe or misspelt"];
  if (count > 1) notes.push(`it is set ${count} times`);
  return new NetrunError(`${type} has no field ${shortened(name)}`, { span: spanAt(source, start, end), notes });
}
