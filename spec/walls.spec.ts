import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "chai";
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
