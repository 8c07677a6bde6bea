import { createLexer } from "./lexer.js";
import { makeSource } from "./source.js";

/**
 * Different names of the fields at the top of a prototxt, in order, without parsing their values: a name is an identifier before a
 * colon or an opening brace. The text is read as far as names are asked for. Throws NetrunError at a string that is not closed.
 */
export function* topNames(text: string, name = "<text>"): Generator<string> {
  const lexer = createLexer(makeSource(name, text));
  const names = new Set<string>();
  let depth = 0;
  while (lexer.token.kind !== "end") {
    const token = lexer.next();
    const symbol = token.kind === "symbol" ? lexer.textOf(token) : "";
    if (["{", "<", "["].includes(symbol)) depth++;
    else if (["}", ">", "]"].includes(symbol)) depth--;
    else if (depth === 0 && token.kind === "identifier" && /^[:{<]/.test(lexer.textOf(lexer.token))) {
      const found = lexer.textOf(token);
      if (names.has(found)) continue;
      names.add(found);
      yield found;
    }
  }
}
