import { createLexer, type Lexer, type TokenKind } from "./lexer.js";
import { isAt } from "./reading.js";

/**
 * Kind of the value that a field has in the message whose name is the lexer's token: of the first there, not in messages within.
 * Undefined where the field is not there. The lexer stays where it is.
 */
export function kindOfValue(lexer: Lexer, field: string): TokenKind | undefined {
  const ahead = createLexer(lexer.source, lexer.token.end);
  if (isAt(ahead, ":")) ahead.next();
  let depth = 0;
  do {
    if (ahead.token.kind === "end") return undefined;
    const token = ahead.next();
    const text = ahead.textOf(token);
    if (token.kind === "symbol" && (text === "{" || text === "<")) depth++;
    else if (token.kind === "symbol" && (text === "}" || text === ">")) depth--;
    else if (depth === 1 && token.kind === "identifier" && text === field && isAt(ahead, ":")) {
      ahead.next();
      return ahead.token.kind;
    }
  } while (depth > 0);
  return undefined;
}
