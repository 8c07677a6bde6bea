import { NetrunError } from "../error.js";
import type { Lexer, Token, TokenKind } from "./lexer.js";
import { spanAt } from "./source.js";

/** A field that the schema does not know, or a value of an enum: where it was first seen and how often. */
export interface UnknownSeen {
  readonly type: string;
  readonly name: string;
  /** The enum's value, where the field is known. */
  readonly value?: string | undefined;
  readonly start: number;
  readonly end: number;
  /** The nearest field that the schema knows. */
  readonly near: string | undefined;
  /** Texts of what an unknown field is set to, as far as they are no messages. */
  readonly texts: Set<string>;
  /** Messages that have a field of its name. */
  readonly homes: readonly string[];
  count: number;
}

/**
 * Notes known elsewhere of a field that the schema does not have, or of an enum's value; undefined: nothing. `text` is what an unknown
 * field is set to, where it is one thing.
 */
export type Explain = (type: string, field: string, value?: string, text?: string) => readonly string[] | undefined;

/** Tests whether forks are known to have several values of a field that has one in the schema. */
export type IsList = (type: string, field: string) => boolean;

/**
 * Another field of the message that is meant by a field whose value looks as here, with what to tell the user; undefined: itself.
 * `kindOf` tells the kind of token that a field of that value has.
 */
export type Meant = (
  type: string,
  field: string,
  kindOf: (field: string) => TokenKind | undefined,
) => { readonly field: string; readonly warning: string; readonly notes: readonly string[] } | undefined;

/** Common state of reading functions: the tokens, and what to tell the user at the end. */
export interface Reading {
  readonly lexer: Lexer;
  readonly strict: boolean;
  readonly explain: Explain;
  /** Tests whether forks have a list where the schema has one value. */
  readonly isList: IsList;
  readonly meant: Meant;
  /** Warnings of fields that mean others, by what they say. */
  readonly meanings: Map<string, NetrunError>;
  readonly unknown: Map<string, UnknownSeen>;
  /** Typed arrays do not grow: their values are gathered in plain lists, and put back by these at the end. */
  readonly finish: (() => void)[];
  /** Messages that may still come. */
  messagesLeft: number;
}

/** protobuf's own limit for binary messages; a net nests to about six. */
export const NESTING_LIMIT = 100;

/** Throws where messages nest deeper than the limit. */
export function checkDepth(lexer: Lexer, depth: number): void {
  if (depth > NESTING_LIMIT)
    throw failAt(lexer, lexer.token, `messages nest deeper than ${NESTING_LIMIT}`, "is a closing brace missing?");
}

/** An error at a token. */
export function failAt(lexer: Lexer, token: Token, message: string, ...notes: string[]): NetrunError {
  const name = placeholderAt(lexer, token);
  const filled = name ? [`${name} is a place in a template: a script puts a value in before the file is read`] : [];
  const quote = /^[\u2018\u2019\u201c\u201d]/.exec(lexer.source.text.slice(token.start, token.start + 1))?.[0];
  const straight = quote ? [`${quote} is a word processor's quote: text has straight ones, " or '`] : [];
  const span = spanAt(lexer.source, token.start, token.end);
  return new NetrunError(message, { span, notes: [...notes, ...filled, ...straight] });
}

/** A placeholder such as ${NUM_LABELS} that begins at a token. */
const placeholderAt = ({ source }: Lexer, { start }: Token): string | undefined =>
  /^\$\{\w+\}/.exec(source.text.slice(start, start + 100))?.[0];

/** Name of a token in errors. */
export function describeToken(lexer: Lexer, token: Token): string {
  if (token.kind === "end") return "the end of the text";
  const text = placeholderAt(lexer, token) ?? shortened(lexer.textOf(token));
  return token.kind === "string" ? text : JSON.stringify(text);
}

/** A text as errors show it. */
export function shortened(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}...` : text;
}

/** Tests whether the current token is this symbol, one of a single UTF-16 unit. */
export function isAt({ token, source }: Lexer, symbol: string): boolean {
  return token.kind === "symbol" && source.text.charCodeAt(token.start) === symbol.charCodeAt(0);
}

/** Tests whether the current token is this symbol; if so, moves on. */
export function accept(lexer: Lexer, symbol: string): boolean {
  if (!isAt(lexer, symbol)) return false;
  lexer.next();
  return true;
}

/** Closing bracket of a message: it has to match. */
export type Closing = "}" | ">";

/** The closing bracket of the message that opens here, moving on; undefined where none opens. */
export function openMessage(lexer: Lexer): Closing | undefined {
  if (accept(lexer, "{")) return "}";
  return accept(lexer, "<") ? ">" : undefined;
}

/** Reads fields up to the closing bracket, or to the end of the text, each with a comma or semicolon if it likes. */
export function eachField(lexer: Lexer, closing: Closing | undefined, readField: () => void): void {
  while (closing === undefined ? lexer.token.kind !== "end" : !accept(lexer, closing)) {
    readField();
    if (!accept(lexer, ";")) accept(lexer, ",");
  }
}

/** Reads one value, or a list of values in square brackets. */
export function eachValue(lexer: Lexer, readValue: () => void): void {
  if (!accept(lexer, "[")) {
    readValue();
    return;
  }
  if (accept(lexer, "]")) return;
  do readValue();
  while (accept(lexer, ","));
  if (!accept(lexer, "]"))
    throw failAt(lexer, lexer.token, `expected "," or "]" in a list, found ${describeToken(lexer, lexer.token)}`);
}
