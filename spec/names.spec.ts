import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { expect } from "chai";
import { sources } from "./support/imports.js";
import { root } from "./support/shared.js";

/** Declarations that are exported where they are made; `export { ... } from` makes none. */
const DECLARED =
  /^export (?:declare )?(?:abstract )?(?:async )?(interface|type|class|enum|function\*?|const|let) (\w+)/gm;

/**
 * The name by which a declaration is told apart: with its folder where its folder does that. Layers are named as Caffe names them,
 * ops as ONNX does, and formulations like the op that they formulate: a mathematics has one name in all of these. The code of a
 * command is `run` of its file, and `browser.ts` names things for pages as `index.ts` does for Node.
 */
function nameOf(file: string, kind: string, name: string): string {
  if (file === "lib/browser.ts") return `browser.${name}`;
  const [, folder] = /^lib\/(ops|layers|targets)\//.exec(file) ?? [];
  if (kind === "const" && folder) return `${folder}.${name}`;
  return file.startsWith("lib/cli/") && name === "run" ? `${basename(file)}.run` : name;
}

/** Names that several files declare, and these. Files are given with their texts. */
function shared(files: ReadonlyMap<string, string>): readonly string[] {
  const places = new Map<string, Set<string>>();
  for (const [file, text] of files) {
    for (const [, kind, name] of text.matchAll(DECLARED)) {
      const key = nameOf(file, kind!, name!);
      places.set(key, (places.get(key) ?? new Set()).add(file));
    }
  }
  return [...places].filter(([, files]) => files.size > 1).map(([name, files]) => `${name}: ${[...files].join(", ")}`);
}

describe("names that lib/ exports", () => {
  it("mean one thing: no two files declare the same one", () => {
    const files = sources("lib").map((file) => [file, readFileSync(join(root, file), "utf8")] as const);
    expect(files.length).to.be.above(400);
    expect(shared(new Map(files))).to.deep.equal([]);
  });

  it("would be seen to mean two", () => {
    const files = new Map([
      ["lib/net/a.ts", "export interface Step {}\nexport async function run() {}"],
      ["lib/run/b.ts", "export type Step = 1;\nexport class Other {}"],
      ["lib/index.ts", 'export { type Step } from "./run/b.js";'],
      ["lib/ops/c.ts", "export const Clip = 1;"],
      ["lib/layers/c.ts", "export const Clip = 1;\nexport const Abs = 1;"],
      ["lib/layers/forks/d.ts", "export const Abs = 1;"],
      ["lib/cli/e.ts", "export async function run() {}"],
    ]);
    expect(shared(files)).to.deep.equal([
      "Step: lib/net/a.ts, lib/run/b.ts",
      "layers.Abs: lib/layers/c.ts, lib/layers/forks/d.ts",
    ]);
  });
});

describe("words", () => {
  const files = () =>
    sources("lib", "bench", "examples", "spec").map((file) => [file, readFileSync(join(root, file), "utf8")] as const);

  it("of docstrings start with a noun or a verb, not a question word", () => {
    const questions = files().flatMap(([file, text]) =>
      [...text.matchAll(/\/\*\*\s+(?:\* )?((?:What|Whether|How|Which|Where|Who|Why) .*)/g)].map(
        ([, line]) => `${file}: ${line}`,
      ),
    );
    expect(questions).to.deep.equal([]);
  });

  it("are the field's: parameters are trainable, and CMYK has its name", () => {
    const said = files().flatMap(([file, text]) =>
      file.startsWith("spec/names")
        ? []
        : [...text.matchAll(/.*\b(?:learnt|brought together|for want of|four inks)\b.*/g)].map(
            ([line]) => `${file}: ${line}`,
          ),
    );
    expect(said).to.deep.equal([]);
  });
});
