import { NetrunError, type Source } from "../error.js";
import { spanAt } from "./source.js";

/** What a token is. A symbol is any single other character. */
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
  /** Where the token before that ended. */
  readonly lastEnd: number;
  /** Moves to the next token and returns the one that was current. Throws NetrunError at a string that is not closed. */
  next(): Token;
  /** The text of a token. */
  textOf(token: Token): string;
}

const SPACE = /(?:[ \t\n\r\v\f]+|#[^\n]*)*/y;

/** In the order that they are tried. protobuf lets a float end in f, and a number touch the identifier after it. */
const PATTERNS: readonly (readonly [TokenKind, RegExp])[] = [
  ["identifier", /[A-Za-z_][A-Za-z0-9_]*/y],
  ["float", /(?:\d+\.\d*|\.\d+)(?:[eE][+-]?\d+)?[fF]?|\d+(?:[eE][+-]?\d+[fF]?|[fF])/y],
  ["integer", /0[xX][0-9a-fA-F]+|\d+/y],
  ["string", /"[^"\\\n]*(?:\\[^\n][^"\\\n]*)*"|'[^'\\\n]*(?:\\[^\n][^'\\\n]*)*'/y],
];

/** The tokens of protobuf's text format. */
export function createLexer(source: Source): Lexer {
  const { text } = source;
  let token = scan(0);
  let lastEnd = 0;

  function scan(from: number): Token {
    SPACE.lastIndex = from;
    SPACE.test(text);
    const start = SPACE.lastIndex;
    if (start >= text.length) return { kind: "end", start: text.length, end: text.length };
    for (const [kind, pattern] of PATTERNS) {
      pattern.lastIndex = start;
      if (pattern.test(text)) return { kind, start, end: pattern.lastIndex };
    }
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
