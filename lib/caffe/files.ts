import { constants } from "node:buffer";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { maxAlloc, sizeText } from "../budget.js";
import { type ErrorDetail, NetrunError, nearest, type Span } from "../error.js";
import { refuseSpecial } from "../file.js";
import { shown } from "../options/number.js";

/** Origin of a request for a file: where its name was written, and the folder of the file that it was written in. */
export interface Asker {
  readonly span?: Span | undefined;
  readonly baseDir?: string | undefined;
}

/**
 * A path as it is found: from the working directory, as in Caffe, or else from the folder of the file that names it, or, if it names a folder itself, from
 * one above that: published solvers have paths from the root of their repository.
 */
export function findPath(path: string, baseDir?: string): string | undefined {
  if (existsSync(path)) return path;
  if (baseDir === undefined || isAbsolute(path)) return undefined;
  const beside = join(baseDir, path);
  if (existsSync(beside)) return beside;
  if (!/^[^./][^/]*\//.test(path)) return undefined;
  for (let [folder, above] = ["", dirname(resolve(baseDir))]; above !== folder; above = dirname(folder)) {
    folder = above;
    if (existsSync(join(folder, path))) return join(folder, path);
  }
  return undefined;
}

/** A path as it is found. Throws NetrunError, at the place that names it, with similar names that do exist. */
export function requirePath(path: string, { span, baseDir }: Asker = {}): string {
  // JavaScript callers have no compiler that says so.
  if (typeof path !== "string") throw new NetrunError(`a path must be a text, not ${shown(path)}`);
  const found = findPath(path, baseDir);
  if (found !== undefined) return found;
  const tried = baseDir && !isAbsolute(path) && baseDir !== "." ? [join(baseDir, path)] : [];
  const notes = [
    ...(tried.length > 0 ? [`looked for ${[path, ...tried].join(" and ")}`] : []),
    ...suggestions([path, ...tried]),
  ];
  throw new NetrunError(`no such file: ${path}`, span ? { span, notes } : { notes });
}

/** Names near a missing path: in its folder, or else how far the path exists. */
function suggestions(paths: readonly string[]): string[] {
  for (const path of paths) {
    const folder = dirname(path);
    if (!existsSync(folder)) continue;
    const near = nearest(basename(path), readdirSync(folder));
    if (near) return [`did you mean ${join(folder, near)}?`];
  }
  let folder = dirname(paths[0]!);
  if (existsSync(folder)) return [];
  while (!existsSync(dirname(folder))) folder = dirname(folder);
  return [`there is no folder ${folder}`];
}

/** Path of a readable file. Throws NetrunError, at the place that names it, if it is not there or no such file. */
export function requireFile(path: string, asker: Asker = {}): string {
  const found = requirePath(path, asker);
  const detail = asker.span ? { span: asker.span } : {};
  refuseSpecial(found, detail);
  const stat = statSync(found);
  if (stat.isDirectory()) throw new NetrunError(`${found} is a folder${databaseIn(found)}`, detail);
  return found;
}

/** Of a folder that is a database: what it is. */
function databaseIn(folder: string): string {
  const kind = existsSync(join(folder, "data.mdb")) ? "LMDB" : existsSync(join(folder, "CURRENT")) ? "LevelDB" : "";
  return kind && `, of data in ${kind}: --data reads it`;
}

/** A file's bytes. Throws NetrunError, at the place that names it, if it is not there, is a folder, too large or may not be read. */
export function readBytes(path: string, asker: Asker = {}): { readonly path: string; readonly bytes: Uint8Array } {
  const found = requireFile(path, asker);
  checkSize(found, statSync(found).size, asker.span ? { span: asker.span } : {});
  try {
    return { path: found, bytes: readFileSync(found) };
  } catch (cause) {
    throw new NetrunError(`cannot read ${found}: ${(cause as Error).message}`, { span: asker.span, cause });
  }
}

/** A text file whole. Throws NetrunError as `readBytes` does, and for more text than a string can hold. */
export function readText(path: string, asker: Asker = {}): string {
  const { path: found, bytes } = readBytes(path, asker);
  return textOf(bytes, found);
}

/** Bytes as a text. Throws NetrunError for more than a string can hold. */
export function textOf(bytes: Uint8Array, file: string): string {
  if (bytes.length > MAX_STRING_LENGTH)
    throw new NetrunError(
      `is a text of ${sizeText(bytes.length)}, more than the ${sizeText(MAX_STRING_LENGTH)} that can be read`,
      {
        file,
      },
    );
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}

const { MAX_STRING_LENGTH } = constants;

/** The largest file that is read whole unless --max-alloc says more: twice the weights of VGG-16. */
const WHOLE_FILE = 2 ** 30;
/** Limit of a buffer read at a time, and of a message of protobuf. */
export const LARGEST_FILE = 2 ** 31 - 1;

/** The size up to which a file is read whole. */
export const wholeFileLimit = (): number => Math.min(LARGEST_FILE, Math.max(WHOLE_FILE, maxAlloc()));

function checkSize(path: string, size: number, { span }: ErrorDetail): void {
  const limit = wholeFileLimit();
  if (size <= limit) return;
  const message = `${path} has ${sizeText(size)}, and the limit of a file that is read whole is ${sizeText(limit)}`;
  const notes = limit < LARGEST_FILE ? ["raise the limit: --max-alloc SIZE"] : ["no model of Caffe's can be larger"];
  throw new NetrunError(message, { ...(span && { span }), notes });
}

/** Tests whether bytes are a binary message rather than text: text has no control characters besides white space. */
export function isBinary(bytes: Uint8Array): boolean {
  return bytes.subarray(0, 4096).some((byte) => byte < 9 || (byte > 13 && byte < 32 && byte !== 27));
}
