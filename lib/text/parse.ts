import protobuf from "protobufjs/light.js";
import { NetrunError, positionOf } from "../error.js";
import { createLexer, type Lexer, type Token } from "./lexer.js";
import { kindOfValue } from "./peek.js";
import { noteField, noteMessage, noteUnknown, spanOf } from "./notes.js";
import {
  accept,
  type Closing,
  checkDepth,
  describeToken,
  type Explain,
  eachField,
  eachValue,
  failAt,
  type IsList,
  isAt,
  type Meant,
  openMessage,
  type Reading,
} from "./reading.js";
import { makeSource, spanAt } from "./source.js";
import { readUnknown, readUnknownFurther, readUnknownList, readUnknownValue, warningsOf } from "./unknown.js";
import { readScalar } from "./value.js";

// protobufjs has a reader of the text format, but without the places of fields, and it throws at fields it does not know.

/** Options of reading a text. */
export interface ParseOptions {
  /** Name of the text in errors: usually a path as the user gave it. */
  readonly name?: string | undefined;
  /** Makes a field that the schema does not know an error instead of a warning. */
  readonly strict?: boolean | undefined;
  /** Notes known elsewhere, for warnings of fields and of values of enums that the schema does not have. */
  readonly explain?: Explain | undefined;
  /** Fields of one value of which forks have several: further values are kept as unknown ones, and warned about. */
  readonly isList?: IsList | undefined;
  /** Another field that is meant by one; each is warned about once. Not where unknown fields are errors. */
  readonly meant?: Meant | undefined;
  /** Messages that the text may have; any number by default. */
  readonly maxMessages?: number | undefined;
  /** Called after reading, once for each field and each value of an enum that the schema does not know. */
  readonly onWarning?: ((warning: NetrunError) => void) | undefined;
}

type Fields = Record<string, unknown>;

/**
 * Reads a message in protobuf's text format, as protobuf's own parser does; where each field stands is kept for `spanOf`.
 * Fields that the schema does not know are kept for the printer and warned about. Throws NetrunError at the offending token.
 */
export function parseText(type: protobuf.Type, text: string, options: ParseOptions = {}): object {
  const source = makeSource(options.name ?? "<text>", text);
  const { strict = false, explain = () => undefined, isList = () => false, meant = () => undefined } = options;
  const { maxMessages: messagesLeft = Number.POSITIVE_INFINITY } = options;
  const lexer = createLexer(source);
  const reading: Reading = {
    lexer,
    strict,
    explain,
    isList,
    meant,
    meanings: new Map(),
    unknown: new Map(),
    finish: [],
    messagesLeft,
  };
  const message = type.create() as unknown as Fields;
  noteMessage(message, source, 0, source.text.length);
  readFields(reading, type, message, undefined, 0);
  for (const finish of reading.finish) finish();
  for (const warning of [...reading.meanings.values(), ...warningsOf(reading)]) options.onWarning?.(warning);
  return message;
}

function readFields(
  reading: Reading,
  type: protobuf.Type,
  message: Fields,
  closing: Closing | undefined,
  depth: number,
): void {
  const { lexer } = reading;
  checkDepth(lexer, depth);
  eachField(lexer, closing, () => {
    const name = lexer.token;
    const isExtension = isAt(lexer, "[");
    if (name.kind !== "identifier" && !isExtension) {
      const expected = `a field of ${type.name}${closing ? ` or "${closing}"` : ""}`;
      throw failAt(lexer, name, `expected ${expected}, found ${describeToken(lexer, name)}`);
    }
    const field = isExtension ? undefined : fieldNamed(type, meantName(reading, type, name));
    if (field) readField(reading, field, message, depth);
    else for (const unknown of readUnknown(reading, type, depth)) noteUnknown(message, unknown);
  });
}

/** The name of a field, or of the one that is meant by it. */
function meantName({ lexer, strict, meant, meanings }: Reading, type: protobuf.Type, name: Token): string {
  const given = lexer.textOf(name);
  const other = strict ? undefined : meant(type.name, given, (field) => kindOfValue(lexer, field));
  if (!other) return given;
  const { field, warning, notes } = other;
  if (!meanings.has(warning))
    meanings.set(warning, new NetrunError(warning, { span: spanAt(lexer.source, name.start, name.end), notes }));
  return field;
}

function fieldNamed(type: protobuf.Type, name: string): protobuf.Field | undefined {
  return Object.hasOwn(type.fields, name) ? type.fields[name] : undefined;
}

function readField(reading: Reading, field: protobuf.Field, message: Fields, depth: number): void {
  const { lexer } = reading;
  const name = lexer.next();
  const nested = field.resolvedType instanceof protobuf.Type ? field.resolvedType : undefined;
  if (!accept(lexer, ":") && !nested)
    throw failAt(lexer, lexer.token, `expected ":" after ${field.name}, found ${describeToken(lexer, lexer.token)}`);
  const skipsUnknown = () => {
    const value = field.resolvedType instanceof protobuf.Enum ? readUnknownValue(reading, field) : undefined;
    if (value) noteUnknown(message, value);
    return value !== undefined;
  };
  const readValue = () => {
    const { start } = lexer.token;
    const value = nested ? readMessage(reading, field, nested, name, depth) : readScalar(reading, field);
    noteField(message, field.name, nested ? name.start : start, lexer.lastEnd);
    return value;
  };
  if (field.repeated) {
    const values = listOf(reading, message, field);
    eachValue(lexer, () => {
      if (!skipsUnknown()) values.push(readValue());
    });
  } else if (!reading.strict && !nested && isAt(lexer, "[") && reading.explain(field.parent!.name, field.name)) {
    for (const unknown of readUnknownList(reading, field, name.start)) noteUnknown(message, unknown);
  } else if (Object.hasOwn(message, field.name) && reading.isList(field.parent!.name, field.name)) {
    for (const unknown of readUnknownFurther(reading, field, name.start)) noteUnknown(message, unknown);
  } else {
    if (Object.hasOwn(message, field.name)) throw repeatedTwice(lexer, field, message, nested ? name : lexer.token);
    if (!skipsUnknown()) message[field.name] = readValue();
  }
}

function listOf(reading: Reading, message: Fields, { name }: protobuf.Field): unknown[] {
  const list = message[name];
  if (Array.isArray(list)) return list;
  const values = Array.from(list as Iterable<number>);
  message[name] = values;
  const List = (list as object).constructor as Float32ArrayConstructor | Float64ArrayConstructor;
  reading.finish.push(() => {
    message[name] = List.from(values);
  });
  return values;
}

function readMessage(reading: Reading, field: protobuf.Field, type: protobuf.Type, name: Token, depth: number): object {
  const { lexer } = reading;
  const closing = openMessage(lexer);
  if (!closing)
    throw failAt(
      lexer,
      lexer.token,
      `expected "{" after ${field.name}, found ${describeToken(lexer, lexer.token)}`,
      `${field.name} is a ${type.name}: write ${field.name} { ... }`,
    );
  if (reading.messagesLeft-- <= 0)
    throw failAt(
      lexer,
      name,
      "more messages than may be in memory",
      "raise the limit: --max-alloc SIZE, now 1G unless set",
    );
  const message = type.create() as unknown as Fields;
  readFields(reading, type, message, closing, depth + 1);
  noteMessage(message, lexer.source, name.start, lexer.lastEnd);
  return message;
}

function repeatedTwice(lexer: Lexer, field: protobuf.Field, message: Fields, token: Token): NetrunError {
  const first = spanOf(message, field.name);
  const where = first ? `it is first set on line ${positionOf(first).line}` : "it is set before";
  return failAt(lexer, token, `${field.name} is set twice in one ${field.parent!.name}`, where);
}
