// The floors of lib/, lowest first, and the lint rules that hold them: imports only go down, and never to a sibling on the same floor.
// `npm run generate` writes biome/walls.json, which biome.json extends; a spec fails where the two differ.
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

/** Folders and files of lib/ by floor; lib/README.md draws them. */
export const floors = [
  ["error.ts", "owner.ts", "random.ts", "buffers.ts", "proto.ts"],
  ["budget.ts"],
  ["isolated.ts"],
  ["isolated-child.ts", "file.ts", "scratch.ts", "lifetime.ts", "wire-error.ts", "graph/", "text/", "options/"],
  ["ops/", "caffe/"],
  ["layers/", "optim/"],
  ["targets/", "net/"],
  ["data/", "onnx/"],
  ["run/"],
  ["engine/"],
  ["api/"],
  ["train/", "convert/", "inspect/"],
  ["runs/", "tables/"],
  ["sweep/"],
  ["dashboard/"],
  ["index.ts", "browser.ts"],
  ["cli/"],
];

const isFolder = (place) => place.endsWith("/");
const importedAs = (place) => (isFolder(place) ? `**/${place}**` : `**/lib/${place.replace(/\.ts$/, ".js")}`);
// Files in lib/ itself are imported as ../NAME.js or ./NAME.js.
const patterns = (place) => (isFolder(place) ? [importedAs(place)] : [`**/${place.replace(/\.ts$/, ".js")}`]);

/** Biome's configuration that holds the floors. */
export function walls() {
  const overrides = floors.flatMap((floor, level) =>
    floor.flatMap((place) => {
      const forbidden = [...floor.filter((other) => other !== place), ...floors.slice(level + 1).flat()];
      if (forbidden.length === 0) return [];
      // index.js is what folders have too: only the one of lib/ itself is meant.
      const group = forbidden.flatMap((other) => (other === "index.ts" ? ["**/lib/index.js"] : patterns(other)));
      const message = "imports only go down, and not to a sibling: see lib/README.md";
      const rule = { level: "error", options: { patterns: [{ group, message }] } };
      return [
        {
          includes: [isFolder(place) ? `lib/${place}**` : `lib/${place}`],
          linter: { rules: { style: { noRestrictedImports: rule } } },
        },
      ];
    }),
  );
  return `${JSON.stringify({ overrides }, null, 2)}\n`;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const file = new URL("walls.json", import.meta.url);
  if (process.argv.includes("--check")) process.exit(readFileSync(file, "utf8") === walls() ? 0 : 1);
  writeFileSync(file, walls());
}
