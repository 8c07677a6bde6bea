import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository root, from dist/spec/support. */
export const root = fileURLToPath(new URL("../../../", import.meta.url));

/** Folders of reference numbers that are in the repository; those of published nets stay in ../shared. */
export type GoldenFolder = "data" | "layers" | "solvers" | "text";

const fixture = (...parts: string[]) => join(root, "fixtures", "goldens", ...parts);

/** A path inside the shared reference data, a folder beside the repository. Only for specs under `describeShared`. */
export function sharedPath(...parts: string[]): string {
  return join(root, "..", "shared", ...parts);
}

/** Tests whether the shared reference data is there, which a clone does not have. */
export function hasShared(): boolean {
  return existsSync(sharedPath("goldens"));
}

/** A file or folder of the reference numbers: the repository's own, which every clone has, else that of ../shared. */
export function goldenPath(folder: GoldenFolder, ...parts: string[]): string {
  const own = fixture(folder, ...parts);
  return existsSync(own) || !hasShared() ? own : sharedPath("goldens", folder, ...parts);
}

/** Names in a folder of reference numbers that end so, sorted: the repository's own, and further ones where ../shared is. */
export function goldenNames(folder: GoldenFolder, ending = ""): readonly string[] {
  const further = hasShared() ? readdirSync(sharedPath("goldens", folder)) : [];
  const names = new Set([...readdirSync(fixture(folder)), ...further]);
  return [...names].filter((name) => name.endsWith(ending)).sort();
}

/** Names of the cases of a folder that has a prototxt for each, without its ending. */
export function goldenCases(folder: Exclude<GoldenFolder, "solvers">): readonly string[] {
  return goldenNames(folder, ".prototxt").map((name) => name.slice(0, -".prototxt".length));
}

const skipped: string[] = [];

/**
 * `describe` for specs of files that only ../shared has (published nets, real data, trained weights). Without them the suite is
 * one pending test that says so, and its body does not run.
 */
export function describeShared(title: string, body: (this: Mocha.Suite) => void): void {
  if (hasShared()) {
    describe(title, body);
    return;
  }
  if (skipped.push(title) === 1) after(sayWhatWasSkipped);
  describe(title, () => {
    it("is skipped: needs the published files in ../shared");
  });
}

/** Runs after the specs that a process has loaded at once, which are those of one file in the parallel suites: not every reporter lists pending tests. */
function sayWhatWasSkipped(): void {
  console.log(`\n  Skipped without the published files in ../shared: ${skipped.length} suites`);
  for (const title of skipped.splice(0)) console.log(`    - ${title}`);
}
