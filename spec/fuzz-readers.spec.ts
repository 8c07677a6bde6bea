import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { READERS } from "./support/fuzz/readers.js";
import { root } from "./support/shared.js";

/** Calls that open files to read them. */
const OPENS =
  /\b(readFileSync|readFile|readText|createReadStream|readSync|readBytes|asyncBufferFromFile|h5wasm\.File)\(/;

/** Modules with such calls whose files come from netrun's own process or package, and why no damage is to be read there. */
const OWN: Readonly<Record<string, string>> = {
  "lib/proto.ts": "schemas of the package",
  "lib/cli/main.ts": "package.json of the package",
  "lib/owner.ts": "/proc",
  "lib/run/profile.ts": "the profile that onnxruntime has written a moment ago",
  "lib/api/image-input.ts": "gives an image's bytes to decodeImage",
  "lib/api/transformer.ts": "gives an image's bytes to decodeImage",
  "lib/onnx/devices.ts": "/proc and /sys",
  "lib/onnx/cuda/install.ts": "its own note of what it installed, and package.json of onnxruntime-node",
  "lib/engine/spark/pack.ts": "package.json of installed packages",
  "lib/runs/log-files.ts": "the last end of a line in a log that is appended to",
  "lib/dashboard/server.ts": "the page's own files",
  "lib/train/memory-use.ts": "the kernel's status of a worker process",
  "lib/run/thread-memory.ts": "choices in the cache: what cannot be read is measured again",
  "lib/cli/class-labels.ts": "lines of labels: any text is one",
  "lib/cli/upgrade.ts": "gives a file's bytes to loadNet and loadSolver",
  "lib/data/import/import.ts": "the note of an import, only compared",
  "lib/engine/vector-file.ts": "arrays between processes of netrun",
  "lib/text/value.ts": "readBytes there is a token of a text",
};

/** The sources of lib/, by path. */
const sources = (readdirSync(join(root, "lib"), { recursive: true, encoding: "utf8" }) as string[])
  .filter((name) => name.endsWith(".ts"))
  .map((name) => join("lib", name));

describe("the fuzz suite", () => {
  it("damages files for every module that opens files", () => {
    const opening = sources.filter((path) => OPENS.test(readFileSync(join(root, path), "utf8")));
    const fuzzed = new Set(READERS.flatMap(({ modules }) => modules));
    expect(opening.filter((path) => !fuzzed.has(path) && !(path in OWN))).to.deep.equal([]);
  });

  it("names only modules that are there", () => {
    const named = [...READERS.flatMap(({ modules }) => modules), ...Object.keys(OWN)];
    expect(named.filter((path) => !sources.includes(path))).to.deep.equal([]);
  });

  it("has one reader of each name", () => {
    const names = READERS.map(({ name }) => name);
    expect(names).to.deep.equal([...new Set(names)]);
  });
});
