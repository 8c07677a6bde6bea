import protobuf from "protobufjs/light.js";
import { type NetrunError, nearest } from "../error.js";
import type { Lexer, Token } from "./lexer.js";
import { parseInteger, unquote } from "./literal.js";
import { describeToken, failAt, isAt, type Reading, shortened } from "./reading.js";

const BOOLEANS: Readonly<Record<string, boolean>> = {
  true: true,
  True: true,
  t: true,
  "1": true,
  false: false,
  False: false,
  f: false,
  "0": false,
};

const INTEGER_RANGES: Readonly<Record<string, readonly [bigint, bigint]>> = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
};

/** Reads a value that is not a message: a number (floats rounded to float32), a boolean, an enum's number, a string or bytes. */
export function readScalar({ lexer }: Reading, field: protobuf.Field): unknown {
  if (field.resolvedType instanceof protobuf.Enum) return readEnum(lexer, field, field.resolvedType);
  switch (field.type) {
    case "string":
      return readString(lexer, field);
    case "bytes":
      return readBytes(lexer, field);
    case "bool":
      return readBoolean(lexer, field);
    case "float":
      return Math.fround(readNumber(lexer, field));
    case "double":
      return readNumber(lexer, field);
    default:
      return Number(readInteger(lexer, field.name, INTEGER_RANGES[field.type]!));
  }
}

function expected(lexer: Lexer, field: protobuf.Field, what: string, token = lexer.token): NetrunError {
  return failAt(lexer, token, `${field.name} is ${what}, found ${describeToken(lexer, token)}`);
}

/** A string as its UTF-8 has it: half of a surrogate pair becomes the replacement character. */
function readString(lexer: Lexer, field: protobuf.Field): string {
  const text = lexer.token.kind === "string" ? lexer.textOf(lexer.token).slice(1, -1) : "\\";
  // Most strings are what stands between the quotes: making bytes of them and back took a fifth of the time to read a net.
  if (/[\\\ud800-\udfff]/.test(text)) return Buffer.from(readBytes(lexer, field)).toString("utf8");
  lexer.next();
  return isString(lexer) ? text + Buffer.from(readBytes(lexer, field)).toString("utf8") : text;
}

/** Tests whether a string starts here, closed or not. */
const isString = (lexer: Lexer): boolean => lexer.token.kind === "string" || isAt(lexer, '"') || isAt(lexer, "'");

/** Strings after one another are one. */
function readBytes(lexer: Lexer, field: protobuf.Field): Uint8Array {
  const chunks: Uint8Array[] = [];
  // Strings without escapes are put together first: there may be millions of them.
  let plain: string[] = [];
  let count = 0;
  for (; isString(lexer); count++) {
    const token = lexer.next();
    const text = lexer.textOf(token);
    if (!text.includes("\\")) {
      plain.push(text.slice(1, -1));
      continue;
    }
    const bytes = unquote(text);
    if (typeof bytes === "number") {
      const start = token.start + bytes;
      const notes = "a backslash in a string is written \\\\";
      throw failAt(lexer, { ...token, start, end: start + 2 }, "no such escape in a string", notes);
    }
    chunks.push(Buffer.from(plain.join("")), bytes);
    plain = [];
  }
  if (count === 0) throw expected(lexer, field, "a string in quotes");
  chunks.push(Buffer.from(plain.join("")));
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

function readBoolean(lexer: Lexer, field: protobuf.Field): boolean {
  const { token } = lexer;
  const text = lexer.textOf(token);
  const number = token.kind === "integer" ? parseInteger(text) : undefined;
  const value = BOOLEANS[number === undefined ? text : String(number)];
  if (value === undefined || token.kind === "string") throw expected(lexer, field, "true or false");
  lexer.next();
  return value;
}

function readEnum(lexer: Lexer, field: protobuf.Field, type: protobuf.Enum): number {
  const { token } = lexer;
  const names = Object.keys(type.values);
  if (token.kind === "identifier") {
    const name = lexer.textOf(token);
    const value = Object.hasOwn(type.values, name) ? type.values[name] : undefined;
    if (value === undefined) {
      const near = nearest(name, names);
      const notes = [`it is one of ${names.join(", ")}`, ...(near ? [`did you mean ${near}?`] : [])].reverse();
      throw failAt(lexer, token, `${field.name} has no value ${shortened(name)}`, ...notes);
    }
    lexer.next();
    return value;
  }
  if (token.kind !== "integer" && !isAt(lexer, "-")) throw expected(lexer, field, `one of ${names.join(", ")}`);
  const number = Number(readInteger(lexer, field.name, INTEGER_RANGES["int32"]!));
  if (type.valuesById[number] === undefined)
    throw failAt(lexer, token, `${field.name} has no value ${number}`, `it is one of ${names.join(", ")}`);
  return number;
}

function readInteger(lexer: Lexer, name: string, [min, max]: readonly [bigint, bigint]): bigint {
  const first = lexer.token;
  const isNegative = isAt(lexer, "-");
  if (isNegative) lexer.next();
  const { token } = lexer;
  const text = lexer.textOf(token);
  if (token.kind !== "integer")
    throw failAt(lexer, token, `${name} is an integer, found ${describeToken(lexer, token)}`);
  const magnitude = parseInteger(text);
  if (magnitude === undefined)
    throw failAt(
      lexer,
      token,
      `${shortened(text)} is not a number`,
      "a leading 0 makes it octal, which has digits up to 7",
    );
  const value = isNegative ? -magnitude : magnitude;
  if (value < min || value > max || (isNegative && min === 0n)) {
    const found = text.length > 30 ? `${isNegative ? "-" : ""}${shortened(text)}` : value;
    throw failAt(lexer, { ...first, end: token.end }, `${name} is from ${min} to ${max}, found ${found}`);
  }
  lexer.next();
  return value;
}

function readNumber(lexer: Lexer, field: protobuf.Field): number {
  const isNegative = isAt(lexer, "-");
  if (isNegative) lexer.next();
  const magnitude = magnitudeOf(lexer, lexer.token);
  if (magnitude === undefined) throw expected(lexer, field, "a number");
  lexer.next();
  return isNegative ? -magnitude : magnitude;
}

function magnitudeOf(lexer: Lexer, token: Token): number | undefined {
  const text = lexer.textOf(token);
  if (token.kind === "float") return Number.parseFloat(text);
  if (token.kind === "identifier") {
    if (/^inf(inity)?$/i.test(text)) return Infinity;
    return /^nan$/i.test(text) ? NaN : undefined;
  }
  // As protobuf: hex and octal are for integer fields.
  return token.kind === "integer" && !/^0[xX0-9]/.test(text) ? Number(text) : undefined;
}
