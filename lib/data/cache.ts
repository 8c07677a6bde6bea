import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync } from "node:fs";
import { homedir, platform } from "node:os";
import { dirname, join } from "node:path";
import { NetrunError } from "../error.js";

/**
 * The folder for what netrun can make again: NETRUN_CACHE, or `netrun` in the user's cache folder (XDG_CACHE_HOME,
 * ~/.cache; ~/Library/Caches on macOS; LOCALAPPDATA on Windows). In the user's, not the project's, so that every
 * project shares it and none has to ignore it.
 */
export function cacheFolder(): string {
  const { NETRUN_CACHE, XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (NETRUN_CACHE) return NETRUN_CACHE;
  if (platform() === "win32" && LOCALAPPDATA) return join(LOCALAPPDATA, "netrun", "cache");
  if (platform() === "darwin") return join(homedir(), "Library", "Caches", "netrun");
  return join(XDG_CACHE_HOME || join(homedir(), ".cache"), "netrun");
}

let writes = 0;

/**
 * Writes a file through `write(fd)` under a temporary name and renames it when it is whole and on disk, so that the
 * final name never holds a broken file, whoever else writes it at the same time. Throws a NetrunError.
 */
export async function writeWhole(path: string, write: (fd: number) => void | Promise<void>): Promise<void> {
  const temporary = `${path}.${process.pid}.${writes++}.tmp`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    const fd = openSync(temporary, "wx");
    try {
      await write(fd);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (cause) {
    rmSync(temporary, { force: true });
    if (cause instanceof NetrunError) throw cause;
    throw new NetrunError("cannot write the file", { file: path, notes: [String(cause)], cause });
  }
}
