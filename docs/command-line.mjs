// Writes docs/command-line.md from the commands' own tables: `npm run docs`. spec/docs.spec.ts compares.
import { writeFileSync } from "node:fs";
import { commandLinePage } from "../dist/lib/cli/command-line-page.js";

writeFileSync(new URL("command-line.md", import.meta.url), commandLinePage());
