import { readdirSync, readFileSync } from "node:fs";
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
