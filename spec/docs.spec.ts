import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { pagesWithTables } from "../bench/tables.js";
import { commandLinePage } from "../lib/cli/command-line-page.js";
import { layersPage } from "../lib/convert/layers-page.js";
import { forkPage } from "../lib/layers/forks/page.js";
import { docBlocks } from "./support/docs/blocks.js";
import { sources } from "./support/imports.js";
import { publishedPage } from "./support/published.js";
import { root } from "./support/shared.js";

describe("pages of the docs that are made from tables (npm run docs writes them)", () => {
  for (const [name, text] of [
    ["command-line.md", commandLinePage()],
    ["forks.md", forkPage()],
    ["layers.md", layersPage()],
    ["published-nets.md", publishedPage()],
  ] as const)
    it(`docs/${name} is what the code says`, () => {
      expect(readFileSync(join(root, "docs", name), "utf8")).to.equal(text);
    });

  it("have the tables of figures that bench/results/ and bench/averaging/ give", () => {
    for (const [page, text] of pagesWithTables())
      expect([page, readFileSync(join(root, page), "utf8")]).to.deep.equal([page, text]);
  });
});

/** Pages for people, by their paths in the project. */
const PAGES = [
  ...["README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md", "lib/README.md"],
  ...readdirSync(join(root, "docs")).flatMap((name) => (name.endsWith(".md") ? [`docs/${name}`] : [])),
];

describe("the docs", () => {
  it("link to files, and headings of pages, that are there", () => {
    const broken: string[] = [];
    for (const page of PAGES) {
      const text = readFileSync(join(root, page), "utf8").replaceAll(/^```.*?^```/gms, "");
      for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(target!)) continue;
        const [file, heading] = target!.split("#") as [string, string | undefined];
        const path = file === "" ? join(root, page) : join(root, dirname(page), file);
        const isThere = existsSync(path) && (heading === undefined || headingsOf(path).includes(heading));
        if (!isThere) broken.push(`${page}: ${target}`);
      }
    }
    expect(broken).to.deep.equal([]);
  });

  it("are all reached from README.md, which is short", () => {
    const seen = new Set<string>();
    const walk = (page: string) => {
      if (seen.has(page) || !PAGES.includes(page)) return;
      seen.add(page);
      for (const [, target] of readFileSync(join(root, page), "utf8").matchAll(/\]\(([^)#\s]+)/g))
        walk(join(dirname(page), target!));
    };
    walk("README.md");
    expect(PAGES.filter((page) => !seen.has(page))).to.deep.equal([]);
    expect(statSync(join(root, "README.md")).size).to.be.below(10_000);
  });

  it("have commands in blocks that a spec runs, or that say why it cannot", () => {
    const blocks = PAGES.flatMap(docBlocks);
    expect(blocks.length).to.be.above(40);
    const indented = PAGES.flatMap(
      (page) => readFileSync(join(root, page), "utf8").match(/^ {4}(?:netrun|npm|npx|node) .*/gm) ?? [],
    );
    expect(indented).to.deep.equal([]);
  });

  it("have programs that compile against netrun's types", () => {
    const folder = mkdtempSync(join(tmpdir(), "netrun-docs-"));
    try {
      mkdirSync(join(folder, "node_modules"));
      symlinkSync(root, join(folder, "node_modules/netrun"));
      symlinkSync(join(root, "node_modules/@types"), join(folder, "node_modules/@types"));
      writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
      const compilerOptions = {
        ...{ target: "es2022", lib: ["es2023", "esnext.disposable"] },
        module: "nodenext",
        strict: true,
      };
      const config = { compilerOptions: { ...compilerOptions, noEmit: true, skipLibCheck: true, types: ["node"] } };
      writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
      // What a reader has before the first line of a block.
      const given = `declare const pixels: Float32Array, seed: Float32Array, rows: () => AsyncIterable<{ data: number[]; label: number }>;
        declare function query(): AsyncIterable<{ pixels: number[]; species: string }>;`;
      writeFileSync(join(folder, "given.d.ts"), given);
      const programs = PAGES.flatMap((page) =>
        [...readFileSync(join(root, page), "utf8").matchAll(/^```ts\n(.*?)^```$/gms)].map(({ 1: program }, i) => ({
          page,
          program,
          i,
        })),
      );
      expect(programs.length).to.be.at.least(12);
      for (const { page, program, i } of programs)
        writeFileSync(join(folder, `${page.replace("/", "_")}-${i}.ts`), `${program}\nexport {};\n`);
      const { stdout } = spawnSync(join(root, "node_modules/.bin/tsc"), ["-p", folder], {
        encoding: "utf8",
        cwd: folder,
      });
      expect(stdout).to.equal("");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("quote messages, in troubleshooting, that netrun has", () => {
    const code = ["bin/netrun.js", ...sources("lib")]
      .map((file) =>
        readFileSync(join(root, file), "utf8").replaceAll(/\/\*.*?\*\/|\/\/.*/gs, (comment) =>
          comment.startsWith("/*") ? "" : comment,
        ),
      )
      .join("\n");
    const rows = readFileSync(join(root, "docs/troubleshooting.md"), "utf8").split("\n").slice(6);
    const messages = rows.flatMap((row) => /^\| (`.*?) \|/.exec(row)?.[1] ?? []);
    expect(messages.length).to.be.at.least(20);
    const quotes = messages.flatMap((cell) => [...cell.matchAll(/`([^`]*)`/g)].map(([, quote]) => quote!));
    const fragments = quotes.flatMap((quote) =>
      quote.split("...").map((part) => part.replaceAll(/^[\s":;,]+|[\s":;,]+$/g, "")),
    );
    const foreign = ["npm error path", "/onnxruntime-node"];
    expect(fragments.filter((part) => !code.includes(part) && !foreign.includes(part))).to.deep.equal([]);
  });
});

/** Anchors of a page's headings. */
const headingsOf = (path: string): readonly string[] =>
  [...readFileSync(path, "utf8").matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title!
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
