import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { root } from "./shared.js";

/** TypeScript files of some folders of the repository, as paths from its root. */
export function sources(...folders: readonly string[]): readonly string[] {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => join(folder, file)),
  );
}

/** Imports, exports and dynamic imports of files by relative paths, those of types included. */
const IMPORT = /\b(?:from|import)\s*\(?\s*"(\.[^"]+)\.js"/g;

/** The files that each file imports, types too. */
export function importGraph(files: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const known = new Set(files);
  const importsOf = (file: string) =>
    [...readFileSync(join(root, file), "utf8").matchAll(IMPORT)]
      .map(([, path]) => `${join(dirname(file), path!)}.ts`)
      .filter((path) => known.has(path));
  return new Map(files.map((file) => [file, importsOf(file)]));
}

/** A circle of the graph, or undefined: depth first, a node that is met again while it is open closes one. */
export function circle(graph: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined {
  const done = new Set<string>();
  const open: string[] = [];
  const visit = (node: string): readonly string[] | undefined => {
    if (done.has(node)) return undefined;
    const start = open.indexOf(node);
    if (start >= 0) return [...open.slice(start), node];
    open.push(node);
    for (const next of graph.get(node) ?? []) {
      const found = visit(next);
      if (found) return found;
    }
    open.pop();
    done.add(node);
    return undefined;
  };
  for (const node of graph.keys()) {
    const found = visit(node);
    if (found) return found;
  }
  return undefined;
}
