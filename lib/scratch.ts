import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fateOf, ownName } from "./owner.js";

/** Files there are memory, without a disk behind it. */
const MEMORY_FOLDER = "/dev/shm";
const NAME = /^netrun-[a-z]+-(\d+-[0-9a-z]+-[0-9a-f]+)-/;

/** The folder for files in memory, where the system has one, else that for temporary files. */
export const memoryFolder = (): string => (existsSync(MEMORY_FOLDER) ? MEMORY_FOLDER : tmpdir());

/** Makes a folder for temporary files, named `netrun-KIND-OWNER-...`; the caller deletes it. */
export function newScratchFolder(kind: string, base = tmpdir()): string {
  return mkdtempSync(join(base, `netrun-${kind}-${ownName()}-`));
}

/** Deletes the scratch folders of processes that ended without doing so (kill -9). */
export function sweepScratch(): void {
  for (const base of new Set([tmpdir(), memoryFolder()])) {
    for (const name of namesIn(base)) {
      const [, owner] = NAME.exec(name) ?? [];
      if (owner === undefined || fateOf(owner) !== "dead") continue;
      try {
        rmSync(join(base, name), { recursive: true, force: true });
      } catch {
        // Another user's: that user's next run deletes it.
      }
    }
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
