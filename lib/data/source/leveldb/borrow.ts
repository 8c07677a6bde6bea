import { copyFileSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { NetrunError } from "../../../error.js";

/** Table files, which LevelDB never changes once they are written; all the data but the newest is in them. */
const TABLE = /\.(ldb|sst)$/;

/**
 * A temporary folder that LevelDB may write into in place of `path`, which stays as it is: links to the table files,
 * however large, and copies of the few small files that opening changes. Released at the process's end at the latest.
 * Throws a NetrunError where `path` is not a LevelDB folder.
 */
export function borrowFolder(path: string): { readonly path: string; release(): void } {
  if (!statSync(join(path, "CURRENT"), { throwIfNoEntry: false })?.isFile())
    throw new NetrunError("not a LevelDB folder: it has no file CURRENT", { file: path });
  const folder = mkdtempSync(join(tmpdir(), "netrun-leveldb-"));
  const release = (): void => {
    process.off("exit", release);
    rmSync(folder, { recursive: true, force: true });
  };
  process.on("exit", release);
  try {
    for (const name of readdirSync(path)) {
      const from = resolve(path, name);
      if (!statSync(from).isFile() || name === "LOCK" || /^LOG(\.old)?$/.test(name)) continue;
      if (TABLE.test(name)) link(from, join(folder, name));
      else copyFileSync(from, join(folder, name));
    }
    return { path: folder, release };
  } catch (cause) {
    release();
    throw new NetrunError("cannot prepare the database for reading", { file: path, notes: [String(cause)], cause });
  }
}

function link(from: string, to: string): void {
  try {
    symlinkSync(from, to);
  } catch {
    // Windows lets only some users make links.
    copyFileSync(from, to);
  }
}
