import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { StringDecoder } from "node:string_decoder";
import { threadId } from "node:worker_threads";
import { type ErrorDetail, NetrunError } from "./error.js";
import { fateOf, ownName } from "./owner.js";

/** Numbers of temporary files; threads of a process share its name. */
let writes = threadId * 2 ** 32;

/** Reason of the system's for not reading a file, as a NetrunError that names it; any other error is as it was. */
export function readingFailed(file: string, cause: unknown): unknown {
  if (!(cause instanceof Error) || !("syscall" in cause)) return cause;
  return new NetrunError(`cannot be read: ${cause.message}`, { file, cause });
}

/** The end of a pipe that a shell has made for this process: somebody writes there. */
const SHELL_PIPE = /^\/(dev|proc\/(self|\d+))\/(fd\/\d+|stdin)$/;

/** Throws NetrunError for what is no file and has bytes without end, or none until somebody writes: devices, pipes and sockets. */
export function refuseSpecial(path: string, detail: ErrorDetail = { file: path }): void {
  let stat: Stats | undefined;
  try {
    stat = statSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    throw readingFailed(path, cause);
  }
  if (!stat || stat.isFile() || stat.isDirectory() || (stat.isFIFO() && SHELL_PIPE.test(path))) return;
  const kind = stat.isFIFO() ? "a pipe" : stat.isSocket() ? "a socket" : "a device";
  throw new NetrunError(detail.file === undefined ? `${path} is ${kind}` : `is ${kind}, not a file`, detail);
}

/** Bytes of a text that are read at a time, and characters of its longest line. */
const PIECE = 2 ** 20;
const MAX_LINE = 16 * PIECE;

/**
 * The lines of a text in UTF-8, read piece by piece: a log may be larger than memory. `whole` tells whether a line ends in a newline, which
 * the last of a file that is still written, or was cut off, lacks. Throws NetrunError for a line of more than 16 Mi characters.
 */
export function* linesIn(path: string): Generator<{ readonly line: string; readonly whole: boolean }> {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (cause) {
    throw readingFailed(path, cause);
  }
  try {
    const decoder = new StringDecoder("utf8");
    const bytes = Buffer.allocUnsafe(PIECE);
    let rest = "";
    for (let length = readSync(file, bytes); length > 0; length = readSync(file, bytes)) {
      const lines = decoder.write(bytes.subarray(0, length)).split("\n");
      lines[0] = rest + lines[0];
      rest = lines.pop()!;
      if (rest.length > MAX_LINE)
        throw new NetrunError(`has a line of more than ${MAX_LINE} characters, the most that is read`, { file: path });
      for (const line of lines) yield { line: line.endsWith("\r") ? line.slice(0, -1) : line, whole: true };
    }
    rest += decoder.end();
    if (rest !== "") yield { line: rest, whole: false };
  } catch (cause) {
    throw readingFailed(path, cause);
  } finally {
    closeSync(file);
  }
}

/**
 * Makes a folder and those above it. `mkdirSync` with `recursive` never returns where a system says of a name in a folder that is
 * there that it does not exist (/proc). Throws the system's error.
 */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
    if (code !== "ENOENT" || existsSync(dirname(path))) throw error;
    makeFolder(dirname(path));
    makeFolder(path);
  }
}

/** Makes the folder that a user names for output. Throws NetrunError where it cannot be one. */
export function makeOutputFolder(path: string): void {
  try {
    makeFolder(path);
  } catch (cause) {
    throw new NetrunError(`cannot make the folder: ${(cause as Error).message}`, { file: path, cause });
  }
}

/** Folders whose names are the system's: a file renamed there would take the place of a device. */
const SYSTEM = /^\/(dev|proc|sys)\/(?!shm\/)/;

/** Throws NetrunError where a new file would take the place of what is none: root may rename over /dev/null. */
function refuseReplacing(path: string): void {
  // Where it cannot be looked at, writing says why.
  if (tryTo(() => statSync(path))) refuseSpecial(path, { file: path, notes: ["name a file to write"] });
  const full = resolve(path);
  if (!SYSTEM.test(full)) return;
  throw new NetrunError("is no place for a file", { file: path, notes: ["name a file to write"] });
}

/** A file under a temporary name, whole and on disk: what is left to do is the renaming. */
export interface StagedFile {
  readonly temporary: string;
  /** Gives the file its name, in place of an older one. Throws NetrunError. */
  commit(): void;
  /** Deletes it, unless it has its name. */
  discard(): void;
}

/**
 * Has `write` make a file under a temporary name in the folder of its later name, which is made where it is missing.
 * Throws NetrunError; nothing is left behind then.
 */
export async function stageFile(
  path: string,
  write: (temporary: string) => void | Promise<void>,
  place = () => path,
): Promise<StagedFile> {
  const temporary = `${path}.${ownName()}.${writes++}.tmp`;
  const discard = () => rmSync(temporary, { force: true });
  const fail = (cause: unknown) =>
    cause instanceof NetrunError
      ? cause
      : new NetrunError(`cannot write the file: ${(cause as Error).message}`, { file: path, cause });
  try {
    refuseReplacing(path);
    makeFolder(dirname(path));
    removeAbandoned(`${path}.`);
    await write(temporary);
    sync(temporary, "r+");
  } catch (cause) {
    tryTo(discard);
    throw fail(cause);
  }
  return {
    temporary,
    discard,
    commit() {
      try {
        renameSync(temporary, place());
        // The rename itself is on disk once the folder is; Windows cannot open folders, and needs no such step.
        if (process.platform !== "win32") sync(dirname(path), "r");
      } catch (cause) {
        discard();
        throw fail(cause);
      }
    },
  };
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
  (await stageFile(path, write, place)).commit();
}

/** The end of a temporary file's name: a process by its name or, as earlier versions had it, by its number. */
export const TEMPORARY = /\.(\d+(?:-[0-9a-z]+-[0-9a-f]+)?)(?:\.\d+)?\.(?:tmp|probe)$/;

/** Deletes temporary files and folders whose paths start with `prefix` and whose processes ended without doing so (kill -9). */
export function removeAbandoned(prefix: string): void {
  const [folder, start] = prefix.endsWith("/") ? [prefix, ""] : [dirname(prefix), basename(prefix)];
  for (const name of tryTo(() => readdirSync(folder)) ?? []) {
    const [, owner] = (name.startsWith(start) && TEMPORARY.exec(name)) || [];
    if (owner !== undefined && fateOf(owner) === "dead")
      tryTo(() => rmSync(join(folder, name), { recursive: true, force: true }));
  }
}

/** Writes bytes or text to a file as `replaceFile` does. */
export const writeWhole = (path: string, content: Uint8Array | string): Promise<void> =>
  replaceFile(path, (temporary) =>
    writePieces(temporary, [typeof content === "string" ? Buffer.from(content) : content]),
  );

/** Writes a file piece by piece; each is asked for when it is written, and need not stay in memory. */
export function writePieces(path: string, pieces: Iterable<Uint8Array>): void {
  const fd = openSync(path, "w");
  try {
    for (const piece of pieces) writeAll(fd, piece);
  } finally {
    closeSync(fd);
  }
}

/** Bytes that one call writes at most: Node takes less than 2 GiB, which the weights of one layer can be. */
const LONGEST_WRITE = 2 ** 30;

/** Appends all bytes to an open file: a disk that becomes full takes a part of them without an error, which only the next write gives. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; )
    done += writeSync(fd, bytes, done, Math.min(bytes.length - done, LONGEST_WRITE));
}

function sync(path: string, flags: string): void {
  const fd = openSync(path, flags);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** The value of a call whose failure does not matter; undefined where it failed. */
function tryTo<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch {
    return undefined;
  }
}
