import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join } from "node:path";
import { NetrunError, nearest, type Span } from "../error.js";

/** Who asks for a file: where its name was written, and the folder of the file that it was written in. */
export interface Asker {
  readonly span?: Span | undefined;
  readonly baseDir?: string | undefined;
}

/** A path as it is found: from the working directory, as in Caffe, or else from the folder of the file that names it. */
export function findPath(path: string, baseDir?: string): string | undefined {
  if (existsSync(path)) return path;
  const beside = baseDir === undefined || isAbsolute(path) ? undefined : join(baseDir, path);
  return beside !== undefined && existsSync(beside) ? beside : undefined;
}

/** A path as it is found. Throws NetrunError, at the place that names it, with similar names that do exist. */
export function requirePath(path: string, { span, baseDir }: Asker = {}): string {
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

/** A file's bytes. Throws NetrunError, at the place that names it, if it is not there, is a folder or may not be read. */
export function readBytes(path: string, asker: Asker = {}): { readonly path: string; readonly bytes: Uint8Array } {
  const found = requirePath(path, asker);
  const stat = statSync(found);
  // Some devices have bytes without end.
  const other = stat.isDirectory() ? "a folder" : stat.isCharacterDevice() || stat.isBlockDevice() ? "a device" : "";
  if (other) throw new NetrunError(`${found} is ${other}`, asker.span ? { span: asker.span } : {});
  try {
    return { path: found, bytes: readFileSync(found) };
  } catch (cause) {
    throw new NetrunError(`cannot read ${found}: ${(cause as Error).message}`, { span: asker.span, cause });
  }
}

/** Whether bytes are a binary message rather than text: text has no control characters besides white space. */
export function isBinary(bytes: Uint8Array): boolean {
  return bytes.subarray(0, 4096).some((byte) => byte < 9 || (byte > 13 && byte < 32 && byte !== 27));
}
