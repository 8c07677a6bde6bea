import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "chai";
import { circle, importGraph, sources } from "./support/imports.js";
import { root } from "./support/shared.js";

interface Walls {
  readonly floors: readonly (readonly string[])[];
  walls(): string;
}

const load = async () => (await import(pathToFileURL(join(root, "biome/walls.mjs")).href)) as Walls;

describe("the walls of lib/", () => {
  it("are the lint rules that biome/walls.mjs makes of its floors", async () => {
    const { walls } = await load();
    expect(readFileSync(join(root, "biome/walls.json"), "utf8")).to.equal(walls());
  });

  it("stand around every file and folder of lib/", async () => {
    const { floors } = await load();
    const entries = readdirSync(join(root, "lib"), { withFileTypes: true })
      .filter(({ name }) => name !== "README.md")
      .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
    expect(floors.flat()).to.include.members(entries);
  });
});

describe("imports", () => {
  it("go in no circle, those of types included", () => {
    expect(circle(importGraph(sources("lib", "bench", "examples", "spec")))).to.equal(undefined);
  });

  it("would be seen to go in one", () => {
    const graph = new Map([
      ["a", ["b"]],
      ["b", ["d", "c"]],
      ["c", ["b"]],
    ]);
    expect(circle(graph)).to.deep.equal(["b", "c", "b"]);
  });
});

describe("lib/README.md", () => {
  it("draws every floor, highest first", async () => {
    const { floors } = await load();
    const text = readFileSync(join(root, "lib/README.md"), "utf8");
    const existing = floors.map((floor) => floor.filter((place) => existsSync(join(root, "lib", place))));
    // A line of a drawing has the place between blanks; the lowest floors stand in one block.
    const lines = existing.map((floor) =>
      floor.map((place) => text.split("\n").findIndex((line) => line.split(/\s+/).includes(place))),
    );
    expect(existing.flatMap((floor, i) => floor.filter((_, j) => lines[i]![j] === -1))).to.deep.equal([]);
    const highest = lines.map((floor) => Math.min(...floor));
    expect(highest).to.deep.equal([...highest].sort((a, b) => b - a));
  });

  it("and CONTRIBUTING.md name files that are there", () => {
    const named = (file: string) =>
      [...readFileSync(join(root, file), "utf8").matchAll(/`([\w.-]+\/[\w./-]+)`/g)].map(([, path]) => path!);
    const places = { "lib/README.md": ["lib", "."], "CONTRIBUTING.md": ["."] };
    for (const [file, folders] of Object.entries(places)) {
      const paths = named(file).filter((path) => !/\b(NAME|OP)\b/.test(path) && !path.startsWith("dist/"));
      const missing = paths.filter((path) => !folders.some((folder) => existsSync(join(root, folder, path))));
      expect(missing, file).to.deep.equal([]);
    }
  });
});

/** Tables of data and what `npm run generate` writes. */
const LONG = [
  "lib/caffe/forks/fields.ts",
  "lib/caffe/messages.ts",
  "lib/data/source/digits/glyphs.ts",
  "spec/support/layer-cases.ts",
];

describe("files", () => {
  it("have 400 lines at most", () => {
    const lines = (file: string) => readFileSync(join(root, file), "utf8").split("\n").length - 1;
    const long = sources("lib", "bench", "examples", "spec").filter(
      (file) => !LONG.includes(file) && lines(file) > 400,
    );
    expect(long).to.deep.equal([]);
  });
});
