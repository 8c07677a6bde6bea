import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { NetrunError } from "./error.js";

let writes = 0;

/** What the system has against reading a file, as a NetrunError that names it; any other error is as it was. */
export function readingFailed(file: string, cause: unknown): unknown {
  if (!(cause instanceof Error) || !("syscall" in cause)) return cause;
  return new NetrunError(`cannot be read: ${cause.message}`, { file, cause });
}

/**
 * Has `write` make a file under a temporary name in the same folder, and renames it when it is whole and on disk: the final
 * name never holds a broken file, whatever happens meanwhile. `place` may give another name in that folder once it is written.
 * Throws NetrunError; the old file is then as it was.
 */
export async function replaceFile(
  path: string,
  write: (temporary: string) => void | Promise<void>,
  place = () => path,
): Promise<void> {
  const temporary = `${path}.${process.pid}.${writes++}.tmp`;
  const fail = (cause: unknown) =>
    cause instanceof NetrunError
      ? cause
      : new NetrunError(`cannot write the file: ${(cause as Error).message}`, { file: path, cause });
  try {
    mkdirSync(dirname(path), { recursive: true });
  } catch (cause) {
    throw fail(cause);
  }
  try {
    await write(temporary);
    sync(temporary, "r+");
    renameSync(temporary, place());
    // The rename itself is on disk once the folder is; Windows cannot open folders, and needs no such step.
    if (process.platform !== "win32") sync(dirname(path), "r");
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw fail(cause);
  }
}

/** Writes bytes or text to a file as `replaceFile` does. */
export const writeWhole = (path: string, content: Uint8Array | string): Promise<void> =>
  replaceFile(path, (temporary) => writeFileSync(temporary, content));

/** Writes a file piece by piece; each is asked for when it is written, and need not stay in memory. */
export function writePieces(path: string, pieces: Iterable<Uint8Array>): void {
  const fd = openSync(path, "w");
  try {
    for (const piece of pieces) for (let done = 0; done < piece.length; ) done += writeSync(fd, piece, done);
  } finally {
    closeSync(fd);
  }
}

function sync(path: string, flags: string): void {
  const fd = openSync(path, flags);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
