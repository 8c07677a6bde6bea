import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { commandLinePage } from "../lib/cli/command-line-page.js";
import { layersPage } from "../lib/convert/layers-page.js";
import { forkPage } from "../lib/layers/forks/page.js";
import { root } from "./support/shared.js";

describe("pages of the docs that are made from tables (npm run docs writes them)", () => {
  for (const [name, text] of [
    ["command-line.md", commandLinePage()],
    ["forks.md", forkPage()],
    ["layers.md", layersPage()],
  ] as const)
    it(`docs/${name} is what the code says`, () => {
      expect(readFileSync(join(root, "docs", name), "utf8")).to.equal(text);
    });
});
