import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { NetrunError } from "../../error.js";
import { replaceFile } from "../../file.js";
import { newScratchFolder } from "../../scratch.js";

/** An archive for executors that have neither Node nor netrun. */
export interface Pack {
  readonly path: string;
  /** Of the file. */
  readonly bytes: number;
  /** Version of Node. */
  readonly node: string;
  /** Packages beside netrun. */
  readonly packages: number;
}

/** The folder that netrun is installed in. */
const packageFolder = (): string => fileURLToPath(new URL("../../../../", import.meta.url));

/** Parts of netrun that go in. */
const OWN = ["bin", "dist/lib", "models", "proto", "package.json", "LICENSE"];

/** Parts of packages that stay out: types, maps, sources of native code, and pictures of nets, which no executor draws. */
const USELESS = /\.(d\.[cm]?ts|map|md|cc|cpp|h|gyp)$/;
const UNUSED = ["@viz-js/viz"];

const run = promisify(execFile);

/** The name of the archive for this platform. */
const packName = (): string => `netrun-${process.platform}-${process.arch}.tar.gz`;

/**
 * Writes an archive of this Node, netrun and the packages that it needs here, for `spark-submit --archives FILE#netrun`, and checks it:
 * unpacked in an empty folder it runs a net. Throws NetrunError where this Node cannot be moved, or the archive does not run.
 */
export async function packForSpark(path = packName()): Promise<Pack> {
  const folder = newScratchFolder("pack");
  try {
    const staged = join(folder, "staged");
    const packages = stage(staged);
    await replaceFile(path, async (temporary) => {
      // Names as they are: Spark refuses those that begin with "./".
      await run("tar", ["-cf", temporary, ...GZIP, "-C", staged, ...readdirSync(staged).sort()]).catch(tarFailed);
      await check(temporary, join(folder, "unpacked"));
    });
    return { path, bytes: statSync(path).size, node: process.versions.node, packages };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Half the time of gzip's own level, and 3 % more bytes. */
const GZIP = ["--use-compress-program", "gzip -4"];

function tarFailed(cause: NodeJS.ErrnoException): never {
  const why = cause.code === "ENOENT" ? "there is no program tar here" : cause.message;
  throw new NetrunError(`the archive cannot be made: ${why}`, { cause });
}

/** Copies what goes in; the number of packages. */
function stage(to: string): number {
  const from = packageFolder();
  mkdirSync(join(to, "bin"), { recursive: true });
  cpSync(movableNode(), join(to, "bin/node"));
  for (const part of OWN)
    if (existsSync(join(from, part))) cpSync(join(from, part), join(to, part), { recursive: true, filter: isUseful });
  const placed = placePackages(from);
  for (const [place, source] of placed) {
    const own = (path: string): boolean => path === source || !inside(source, path).includes("node_modules");
    const isWanted = (path: string): boolean => own(path) && isUseful(path) && isOfPlatform(inside(source, path));
    cpSync(source, join(to, place), { recursive: true, dereference: true, filter: isWanted });
  }
  return placed.size;
}

const inside = (folder: string, path: string): readonly string[] => relative(folder, path).split(sep);

const isUseful = (path: string): boolean => !USELESS.test(path);

/** Tests whether a path in a package is not of another system or processor: onnxruntime has folders for each. */
function isOfPlatform(parts: readonly string[]): boolean {
  const [bin, api, system, processor] = parts;
  if (bin !== "bin" || !api?.startsWith("napi-v")) return true;
  return (system ?? process.platform) === process.platform && (processor ?? process.arch) === process.arch;
}

/** A Node that is one file; those of distributions have their code in a library of the system. Throws NetrunError for others. */
function movableNode(): string {
  const path = realpathSync(process.execPath);
  const LEAST = 40 * 2 ** 20;
  if (statSync(path).size > LEAST) return path;
  throw new NetrunError("this Node cannot be moved: its code is in a library of the system", {
    file: path,
    notes: ["run netrun with the Node of https://nodejs.org/dist, which is one file"],
  });
}

/** The folders of all packages that netrun needs, by their places in the archive. */
function placePackages(root: string): ReadonlyMap<string, string> {
  const placed = new Map<string, string>();
  /** `at` is the place of the package in the archive, "" for netrun itself. */
  const add = (folder: string, at: string): void => {
    const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
    const needed = { ...manifest.dependencies, ...manifest.optionalDependencies };
    for (const name of Object.keys(needed)) {
      const found = UNUSED.includes(name) ? undefined : find(name, folder);
      // Of packages for other platforms there is nothing here.
      if (found === undefined || visible(name, at, placed) === found) continue;
      const top = `node_modules/${name}`;
      const place = placed.has(top) ? `${at}/${top}` : top;
      placed.set(place, found);
      add(found, place);
    }
  };
  add(root, "");
  return placed;
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** Folder of a package, as Node finds it from another; undefined where it does not. */
function find(name: string, from: string): string | undefined {
  for (let folder = realpathSync(from); ; folder = dirname(folder)) {
    const path = join(folder, "node_modules", name);
    if (basename(folder) !== "node_modules" && existsSync(join(path, "package.json"))) return realpathSync(path);
    if (folder === dirname(folder)) return undefined;
  }
}

/** The folder of the package that a place of the archive would find under a name. */
function visible(name: string, at: string, placed: ReadonlyMap<string, string>): string | undefined {
  for (let place = at; ; place = place.slice(0, Math.max(0, place.lastIndexOf("/node_modules/")))) {
    const found = placed.get(`${place === "" ? "" : `${place}/`}node_modules/${name}`);
    if (found !== undefined || place === "") return found;
  }
}

/** A step of training and a decoded image: what executors do, with nothing of this installation in reach. */
const TRIAL = `
  const { Net } = await import("./dist/lib/index.js");
  const net = await Net.load("models/lenet/train_test.prototxt", { phase: "TRAIN" });
  const { loss } = await net.forward();
  await net.backward();
  await net[Symbol.asyncDispose]();
  await import("sharp");
  process.exit(Number.isFinite(loss.data[0]) ? 0 : 1);
`;

/** Unpacks an archive in an empty folder and runs a net there. Throws NetrunError where that fails. */
async function check(archive: string, folder: string): Promise<void> {
  mkdirSync(folder);
  await run("tar", ["-xzf", archive, "-C", folder]);
  const options = { cwd: folder, env: { PATH: "/nowhere", HOME: folder, TMPDIR: folder } };
  await run(join(folder, "bin/node"), ["--input-type=module", "-e", TRIAL], options).catch((cause: Error) => {
    throw new NetrunError("the archive does not run where it is unpacked", {
      notes: [cause.message.trim().slice(0, 2000)],
      cause,
    });
  });
}
