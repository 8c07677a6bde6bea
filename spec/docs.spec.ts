import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { commandLinePage } from "../lib/cli/command-line-page.js";
import { root } from "./support/shared.js";

describe("docs/command-line.md", () => {
  it("is what the commands' tables say; npm run docs writes it", () => {
    expect(readFileSync(join(root, "docs/command-line.md"), "utf8")).to.equal(commandLinePage());
  });
});
