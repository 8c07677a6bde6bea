import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { NetrunError } from "../error.js";
import { makeFolder, removeAbandoned } from "../file.js";
import { fateOf, ownName, pidOf } from "../owner.js";

/** Prefixes that trainings of this process hold. */
const held = new Set<string>();

/** The exclusive right to write snapshots with a prefix, a file that names its process. */
export class SnapshotLock implements Disposable {
  readonly #path: string;
  readonly #release = () => {
    if (held.delete(this.#path)) rmSync(this.#path, { force: true });
  };

  private constructor(path: string) {
    this.#path = path;
    held.add(path);
    process.on("exit", this.#release);
  }

  /**
   * Takes the lock of a prefix, from a dead process too, and deletes temporary files that dead processes left there.
   * Throws NetrunError if another training has it.
   */
  static take(prefix: string): SnapshotLock {
    const path = `${prefix}.netrunlock`;
    if (held.has(path)) throw inUse(path, "another training of this process writes");
    try {
      makeFolder(dirname(path));
      while (!create(path)) {
        const owner = ownerOf(path);
        if (owner === undefined) continue;
        const fate = fateOf(owner);
        if (fate === "alive") throw inUse(path, `process ${pidOf(owner)} writes`);
        if (fate === "elsewhere") throw inUse(path, `process ${pidOf(owner)} of another machine or container writes`);
        removeStale(path, owner);
      }
    } catch (cause) {
      if (cause instanceof NetrunError) throw cause;
      throw new NetrunError(`snapshots cannot be written here: ${(cause as Error).message}`, { file: path, cause });
    }
    removeAbandoned(`${prefix}_`);
    return new SnapshotLock(path);
  }

  [Symbol.dispose](): void {
    process.off("exit", this.#release);
    this.#release();
  }
}

const inUse = (file: string, who: string): NetrunError =>
  new NetrunError(`${who} snapshots with this prefix`, {
    file,
    notes: ["--snapshot-prefix gives this training another one", "delete the file if that training is over"],
  });

/** Makes the file, whole or not at all; false where it is there. */
function create(path: string): boolean {
  const temporary = `${path}.${ownName()}.tmp`;
  try {
    writeFileSync(temporary, ownName());
    linkSync(temporary, path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    if (NO_LINKS.has(code ?? "")) return createDirectly(path);
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** Errors of file systems without hard links. */
const NO_LINKS = new Set(["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EMLINK"]);

function createDirectly(path: string): boolean {
  try {
    writeFileSync(path, ownName(), { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** The process that a lock names; undefined where the lock is gone. */
function ownerOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Removes a dead process's lock by renaming it away: a lock that a third one took meanwhile is put back. */
function removeStale(path: string, owner: string): void {
  const away = `${path}.${ownName()}.tmp`;
  try {
    renameSync(path, away);
    if (readFileSync(away, "utf8") !== owner) linkSync(away, path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "EEXIST") throw error;
  } finally {
    rmSync(away, { force: true });
  }
}
