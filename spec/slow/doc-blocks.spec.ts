import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { expect } from "chai";
import { type DocBlock, docBlocks, missingLine } from "../support/docs/blocks.js";
import { fillDocsFolder } from "../support/docs/folder.js";
import { installIn, packNetrun } from "../support/package.js";
import { root } from "../support/shared.js";

/** Pages whose commands other specs run: those of --help, the examples with their scores, and those that need a cluster. */
const ELSEWHERE = ["docs/command-line.md", "docs/examples.md", "docs/spark.md"];

const PAGES = ["README.md", ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`)].filter(
  (page) => page.endsWith(".md") && !ELSEWHERE.includes(page),
);

const where = ({ page, line }: DocBlock) => `${page}:${line}`;

describe("the docs' blocks of commands", () => {
  // netrun is installed as a reader has it: from its package, in a folder with nothing else.
  let installed: string;
  before(function () {
    this.timeout(300_000);
    installed = mkdtempSync(join(tmpdir(), "netrun-installed-"));
    const { status, stderr } = installIn(join(installed, "place"), packNetrun(installed), "--ignore-scripts");
    expect(status, stderr).to.equal(0);
  });
  after(() => rmSync(installed, { recursive: true }));

  for (const page of PAGES) {
    const blocks = docBlocks(page);
    const runnable = blocks.filter(({ skip }) => skip === undefined);
    if (runnable.length === 0) continue;
    describe(`of ${page}`, () => {
      let folder: string;
      before(async () => {
        folder = mkdtempSync(join(tmpdir(), "netrun-docs-"));
        await fillDocsFolder(folder, join(installed, "place/node_modules/netrun"));
      });
      after(() => rmSync(folder, { recursive: true }));

      for (const block of runnable)
        it(`run as they stand, and print what is written under them (${where(block)})`, () => {
          for (const { line, text, prints } of block.commands) {
            const env = {
              ...process.env,
              PATH: `${join(installed, "place/node_modules/.bin")}${delimiter}${process.env["PATH"]}`,
            };
            const { status, stdout, stderr } = spawnSync("bash", ["-c", text], {
              cwd: folder,
              env,
              encoding: "utf8",
              // The longest, of docs/detection.md, takes 70 s on two cores, and more beside another file.
              timeout: 600_000,
            });
            const command = `${page}:${line}: ${text}`;
            expect([command, status, stderr]).to.deep.equal([command, 0, stderr]);
            expect([command, missingLine(prints, stdout + stderr)], stdout).to.deep.equal([command, undefined]);
          }
        });
    });
  }
});
