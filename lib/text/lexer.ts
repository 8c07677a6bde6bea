import { NetrunError, type Source } from "../error.js";
import { spanAt } from "./source.js";

/** Kind of a token. A symbol is any single other character. */
export type TokenKind = "identifier" | "integer" | "float" | "string" | "symbol" | "end";

/** A piece of prototxt: its kind and the half-open range of offsets in the source. */
export interface Token {
  readonly kind: TokenKind;
  readonly start: number;
  readonly end: number;
}

/** A source and the token to be read next. */
export interface Lexer {
  readonly source: Source;
  readonly token: Token;
  /** End of the token before. */
  readonly lastEnd: number;
  /** Moves to the next token and returns the one that was current. Throws NetrunError at a string that is not closed. */
  next(): Token;
  /** The text of a token. */
  textOf(token: Token): string;
}

// By hand and not by regular expressions, which keep a place to go back to for every character of a token: tokens of some
// millions of characters, which damaged and generated files have, overflow their stack.

const CODE = { newline: 10, space: 32, quote: 34, hash: 35, apostrophe: 39, dot: 46, backslash: 92 } as const;

const isSpace = (code: number): boolean => code === CODE.space || (code >= 9 && code <= 13);
const isDigit = (code: number): boolean => code >= 48 && code <= 57;
const isHexDigit = (code: number): boolean => isDigit(code) || ((code | 32) >= 97 && (code | 32) <= 102);
const isWordStart = (code: number): boolean => ((code | 32) >= 97 && (code | 32) <= 122) || code === 95;
const isWord = (code: number): boolean => isWordStart(code) || isDigit(code);
/** Tests whether a code is this letter, small or capital. */
const isLetter = (code: number, letter: string): boolean => (code | 32) === letter.charCodeAt(0);

/** End of a run of characters of a kind that starts at `from`. */
function skip(text: string, from: number, is: (code: number) => boolean): number {
  let at = from;
  while (is(text.charCodeAt(at))) at++;
  return at;
}

/** End of white space and comments. */
function skipSpace(text: string, from: number): number {
  let at = skip(text, from, isSpace);
  while (text.charCodeAt(at) === CODE.hash) {
    const newline = text.indexOf("\n", at);
    if (newline < 0) return text.length;
    at = skip(text, newline, isSpace);
  }
  return at;
}

/** Kind and end of the number at `start`, if there is one. protobuf lets a float end in f, and a number touch the identifier after it. */
function numberAt(
  text: string,
  start: number,
): { readonly kind: "integer" | "float"; readonly end: number } | undefined {
  const whole = skip(text, start, isDigit);
  const hasDot = text.charCodeAt(whole) === CODE.dot;
  const digits = hasDot ? skip(text, whole + 1, isDigit) : whole;
  if (digits === start || (hasDot && digits === start + 1)) return undefined;
  const end = exponentEnd(text, digits);
  if (isLetter(text.charCodeAt(end), "f")) return { kind: "float", end: end + 1 };
  if (hasDot || end > digits) return { kind: "float", end };
  const isHex = text[start] === "0" && whole === start + 1 && isLetter(text.charCodeAt(whole), "x");
  const hexEnd = isHex ? skip(text, whole + 1, isHexDigit) : 0;
  return { kind: "integer", end: hexEnd > whole + 1 ? hexEnd : whole };
}

function exponentEnd(text: string, from: number): number {
  if (!isLetter(text.charCodeAt(from), "e")) return from;
  const sign = text[from + 1] === "+" || text[from + 1] === "-" ? 1 : 0;
  const end = skip(text, from + 1 + sign, isDigit);
  return end > from + 1 + sign ? end : from;
}

/** End of the string that opens at `start`; undefined where it is not closed on its line. */
function stringEnd(text: string, start: number): number | undefined {
  const quote = text.charCodeAt(start);
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) return at + 1;
    if (code === CODE.backslash) at++;
    if (text.charCodeAt(at) === CODE.newline) return undefined;
  }
  return undefined;
}

/** The tokens of protobuf's text format, from an offset on. */
export function createLexer(source: Source, offset = 0): Lexer {
  const { text } = source;
  let token = scan(offset);
  let lastEnd = 0;

  function scan(from: number): Token {
    const start = skipSpace(text, from);
    if (start >= text.length) return { kind: "end", start: text.length, end: text.length };
    const code = text.charCodeAt(start);
    if (isWordStart(code)) return { kind: "identifier", start, end: skip(text, start, isWord) };
    const number = isDigit(code) || code === CODE.dot ? numberAt(text, start) : undefined;
    if (number) return { kind: number.kind, start, end: number.end };
    const end = code === CODE.quote || code === CODE.apostrophe ? stringEnd(text, start) : undefined;
    if (end !== undefined) return { kind: "string", start, end };
    return { kind: "symbol", start, end: start + (text.codePointAt(start)! > 0xffff ? 2 : 1) };
  }

  return {
    source,
    get token() {
      return token;
    },
    get lastEnd() {
      return lastEnd;
    },
    next() {
      const current = token;
      const quote = text[current.start];
      if (current.kind === "symbol" && (quote === '"' || quote === "'")) throw unclosed(source, current.start, quote);
      lastEnd = current.end;
      token = scan(current.end);
      return current;
    },
    textOf: ({ start, end }) => text.slice(start, end),
  };
}

function unclosed(source: Source, start: number, quote: string): NetrunError {
  const newline = source.text.indexOf("\n", start);
  return new NetrunError("this string has no closing quote on its line", {
    span: spanAt(source, start, newline < 0 ? source.text.length : newline),
    notes: [`close it with ${quote}; a long string may be several strings after one another`],
  });
}
