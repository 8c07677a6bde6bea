import { existsSync } from "node:fs";
import { NetrunError, nearest } from "../error.js";
import { type CatalogEntry, type CatalogField, catalog, registeredTypes } from "../layers/index.js";
import type { CommandArgs } from "./commands/command.js";
import type { LAYERS } from "./commands/files.js";
import { report } from "./common.js";

/** Lists layer types, or shows one. */
export function run({ type, json }: CommandArgs<typeof LAYERS>): void {
  const entries = catalog(registeredTypes());
  if (type === undefined) report({ json }, entries, () => overview(entries));
  else {
    const entry = find(entries, type);
    report({ json }, entry, () => [details(entry)]);
  }
}

function find(entries: readonly CatalogEntry[], type: string): CatalogEntry {
  const found = entries.find((entry) => entry.type.toLowerCase() === type.toLowerCase());
  if (found) return found;
  const near = nearest(
    type,
    entries.map((entry) => entry.type),
  );
  throw new NetrunError(`unknown layer type "${type}"`, {
    notes: [
      ...(existsSync(type) ? [`netrun inspect ${type} shows what is in a file`] : []),
      near ? `did you mean "${near}"?` : "netrun layers lists all",
    ],
  });
}

function overview(entries: readonly CatalogEntry[]): readonly string[] {
  const width = Math.max(...entries.map(({ type }) => type.length)) + 2;
  const indent = " ".repeat(width);
  return entries.flatMap(({ type, bottoms, tops, params }) => [
    `${type.padEnd(width)}bottoms: ${bottoms}; tops: ${tops}`,
    ...params.flatMap(({ field, fields }) => wrapped(`${field}: ${fields.map(shortText).join(", ")}`, indent)),
  ]);
}

/** A parameter with its default, where it has one; dots stand for a list. */
const shortText = ({ name, repeated, default: value }: CatalogField) =>
  `${name}${repeated ? "..." : ""}${value === undefined ? "" : `=${value === "" ? '""' : value}`}`;

/** Words in lines of up to 120 columns. */
function wrapped(text: string, indent: string): readonly string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(" ")) {
    if (line.length + word.length > 120) {
      lines.push(line.trimEnd());
      line = `${indent}  `;
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()];
}

function details(entry: CatalogEntry): string {
  const lines = [entry.type, `  bottoms: ${entry.bottoms}`, `  tops: ${entry.tops}`];
  if (entry.data) lines.push("  brings data in");
  if (entry.loss) lines.push("  a loss: its first top has loss_weight 1 unless given another");
  for (const { field, fields } of entry.params) {
    const width = Math.max(...fields.map(({ name }) => name.length));
    lines.push(`  ${field}:`, ...fields.map((each) => `    ${each.name.padEnd(width)}  ${typeText(each)}`));
  }
  return lines.join("\n");
}

function typeText({ type, repeated, default: value }: CatalogField): string {
  return `${repeated ? "list of " : ""}${type}${value === undefined ? "" : `, default ${value}`}`;
}
