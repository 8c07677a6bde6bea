import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../shared.js";

/** A command of a page, with the lines that the page says it prints; `...` stands for any lines. */
export interface DocCommand {
  readonly line: number;
  readonly text: string;
  readonly prints: readonly string[];
}

/** A block of commands: ```` ```sh ```` is run as it stands, ```` ```sh skip="reason" ```` says why it cannot be. */
export interface DocBlock {
  readonly page: string;
  readonly line: number;
  readonly skip: string | undefined;
  readonly commands: readonly DocCommand[];
}

/** Commands of a block's lines: one goes on behind a backslash, and lines that begin with `# ` are what it prints. */
function commandsOf(lines: readonly string[], first: number): readonly DocCommand[] {
  const commands: { line: number; text: string; prints: string[] }[] = [];
  let open = false;
  for (const [i, line] of lines.entries()) {
    const last = commands.at(-1);
    if (open) last!.text += `\n${line}`;
    else if (line.startsWith("# ")) last?.prints.push(line.slice(2));
    else if (line.trim() !== "") commands.push({ line: first + i, text: line, prints: [] });
    open = !line.startsWith("# ") && line.endsWith("\\");
  }
  return commands;
}

/** Blocks of commands of a page, in its order. Throws for an info string that says something else than skip. */
export function docBlocks(page: string): readonly DocBlock[] {
  const text = readFileSync(join(root, page), "utf8");
  return [...text.matchAll(/^```(?:sh|bash|shell)\b(.*)\n([\s\S]*?)^```$/gm)].map(({ 1: info, 2: body, index }) => {
    const line = text.slice(0, index).split("\n").length;
    const skip = /^ skip="(.+)"$/.exec(info!)?.[1];
    if (info !== "" && skip === undefined)
      throw new Error(`${page}:${line}: a block of commands with "${info!.trim()}"`);
    return { page, line, skip, commands: commandsOf(body!.trimEnd().split("\n"), line + 1) };
  });
}

/** A printed line with what depends on the machine and its arithmetic in a common form: numbers and blanks. */
const shapeOf = (line: string) =>
  line
    .replaceAll(/-?\d[\d,.]*(?:e[-+]?\d+)?/g, "N")
    .replaceAll(/\s+/g, " ")
    .trim();

/** First line of `expected` that is not among the printed ones, in their order; undefined where all are. */
export function missingLine(expected: readonly string[], printed: string): string | undefined {
  const lines = printed.split("\n").map(shapeOf);
  let at = 0;
  for (const line of expected) {
    if (line.trim() === "...") continue;
    const [begin, ...rest] = shapeOf(line).split("...");
    const found = lines.findIndex(
      (each, i) => i >= at && each.startsWith(begin!.trim()) && (rest.length > 0 || each === shapeOf(line)),
    );
    if (found < 0) return line;
    at = found + 1;
  }
  return undefined;
}
