import { createLexer } from "./lexer.js";
import { makeSource } from "./source.js";

/**
 * Names of the fields at the top of a prototxt, without parsing their values: a name is an identifier before a colon or an opening
 * brace. Throws NetrunError at a string that is not closed.
 */
export function topNames(text: string, name = "<text>"): ReadonlySet<string> {
  const lexer = createLexer(makeSource(name, text));
  const names = new Set<string>();
  let depth = 0;
  while (lexer.token.kind !== "end") {
    const token = lexer.next();
    const symbol = token.kind === "symbol" ? lexer.textOf(token) : "";
    if (["{", "<", "["].includes(symbol)) depth++;
    else if (["}", ">", "]"].includes(symbol)) depth--;
    else if (depth === 0 && token.kind === "identifier" && /^[:{<]/.test(lexer.textOf(lexer.token))) {
      names.add(lexer.textOf(token));
    }
  }
  return names;
}
