import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository root, from dist/spec/support. */
export const root = fileURLToPath(new URL("../../../", import.meta.url));

/** A path inside the shared reference data, a folder beside the repository. */
export function sharedPath(...parts: string[]): string {
  return join(root, "..", "shared", ...parts);
}

/** Whether the shared reference data is there; in CI it has to be. */
export function hasShared(): boolean {
  const there = existsSync(sharedPath("goldens"));
  if (!there && process.env["CI"]) throw new Error(`the reference data is missing: ${sharedPath("goldens")}`);
  return there;
}

/** `describe` for golden-driven specs: skipped with its reason in the title where the reference data is absent. */
export function describeShared(title: string, body: (this: Mocha.Suite) => void): void {
  if (hasShared()) describe(title, body);
  else describe.skip(`${title} (needs the reference data in ../shared)`, body);
}
