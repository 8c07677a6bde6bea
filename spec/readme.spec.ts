import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { conversionOf } from "../lib/convert/net.js";
import { catalog, type LayerType, layerTypes } from "../lib/layers/index.js";
import { root } from "./support/shared.js";

const path = join(root, "README.md");
const START = /<!-- layers: .*? -->\n/;
const END = "<!-- /layers -->";

/** The table of layers as Markdown, from their definitions. */
function layerTable(): string {
  const rows = catalog().map(({ type, bottoms, tops, params }) => [
    type,
    bottoms,
    tops,
    params.map(({ field }) => `\`${field}\``).join(", "),
    trains(type) ? "yes" : "no",
    "yes",
    conversionOf(type),
  ]);
  const header = ["type", "bottoms", "tops", "parameters", "trains", "runs", "converts"];
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((cells) => cells[i]!.length)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |\n`;
  return line(header) + line(widths.map((width) => "-".repeat(width))) + rows.map(line).join("");
}

/** Layers of forks may be for inference alone. */
function trains(type: string): boolean {
  const definition = layerTypes[type as keyof typeof layerTypes] as LayerType;
  return !("inferenceOnly" in definition && definition.inferenceOnly);
}

describe("README.md", () => {
  it("has the table of layers that netrun has", () => {
    const text = readFileSync(path, "utf8");
    const start = START.exec(text)!;
    const [from, to] = [start.index + start[0].length, text.indexOf(END)];
    if (process.env["NETRUN_WRITE_README"]) {
      writeFileSync(path, `${text.slice(0, from)}\n${layerTable()}\n${text.slice(to)}`);
    } else {
      expect(text.slice(from, to).trim()).to.equal(layerTable().trim());
    }
  });
});
