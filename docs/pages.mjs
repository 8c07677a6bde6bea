// Writes the pages of the docs that are made from netrun's tables, and the tables of figures in the others: `npm run docs`.
// spec/docs.spec.ts compares.
import { writeFileSync } from "node:fs";
import { pagesWithTables } from "../dist/bench/tables.js";
import { commandLinePage } from "../dist/lib/cli/command-line-page.js";
import { layersPage } from "../dist/lib/convert/layers-page.js";
import { forkPage } from "../dist/lib/layers/forks/page.js";
import { publishedPage } from "../dist/spec/support/published.js";

const pages = {
  "command-line.md": commandLinePage(),
  "forks.md": forkPage(),
  "layers.md": layersPage(),
  "published-nets.md": publishedPage(),
};
for (const [name, text] of Object.entries(pages)) writeFileSync(new URL(name, import.meta.url), text);
for (const [page, text] of pagesWithTables()) writeFileSync(new URL(`../${page}`, import.meta.url), text);
