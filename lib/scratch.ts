import { accessSync, constants, mkdtempSync, readdirSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NetrunError } from "./error.js";
import { fateOf, ownName } from "./owner.js";

/** Files there are memory, without a disk behind it. */
const MEMORY_FOLDER = "/dev/shm";
const NAME = /^netrun-[a-z]+-(\d+-[0-9a-z]+-[0-9a-f]+)-/;

/** Bytes that are free in memory's folder where it is used: containers have 64 MB of it unless they are told otherwise. */
const LEAST_ROOM = 2 ** 28;

/** The folder for files in memory, where the system has one with room, else that for temporary files. */
export function memoryFolder(): string {
  try {
    const { bavail, bsize } = statfsSync(MEMORY_FOLDER);
    accessSync(MEMORY_FOLDER, constants.W_OK);
    return bavail * bsize < LEAST_ROOM ? tmpdir() : MEMORY_FOLDER;
  } catch {
    return tmpdir();
  }
}

/** Makes a folder for temporary files, named `netrun-KIND-OWNER-...`; the caller deletes it. Throws NetrunError where that is impossible. */
export function newScratchFolder(kind: string, base = tmpdir()): string {
  try {
    return mkdtempSync(join(base, `netrun-${kind}-${ownName()}-`));
  } catch (cause) {
    const notes = base === tmpdir() ? ["the variable TMPDIR names another place for temporary files"] : [];
    throw new NetrunError(`has no room for temporary files: ${(cause as Error).message}`, { file: base, notes, cause });
  }
}

/** Deletes the scratch folders of processes that ended without doing so (kill -9). */
export function sweepScratch(): void {
  for (const base of new Set([tmpdir(), MEMORY_FOLDER])) {
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
