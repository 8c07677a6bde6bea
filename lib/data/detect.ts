import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { NetrunError, nearest } from "../error.js";
import { DIGIT_PARTS, type DigitPart } from "./digits/source.js";
import type { SourceSpec } from "./open.js";

/** What a source of netrun's own is named with in place of a path. */
const EMBEDDED = "netrun:digits/";

/** The embedded source that a name like `netrun:digits/train` means, or undefined where it is a path. */
export function embeddedSource(name: string): SourceSpec | undefined {
  if (!name.startsWith("netrun:")) return undefined;
  const part = name.slice(EMBEDDED.length);
  if (name.startsWith(EMBEDDED) && Object.hasOwn(DIGIT_PARTS, part)) return { kind: "digits", part: part as DigitPart };
  const names = Object.keys(DIGIT_PARTS).map((known) => EMBEDDED + known);
  const near = nearest(name, names);
  throw new NetrunError(`"${name}" is not an embedded data set`, {
    notes: [near ? `did you mean ${near}?` : `there are ${names.join(" and ")}`],
  });
}

/**
 * Which source a path (or the name of an embedded one) is: a folder with an LMDB or a pair of IDX files, an LMDB,
 * IDX (its partner beside it) or Arrow file. Decided by content, not by name. Throws a NetrunError that says what
 * would have been understood.
 */
export function detectSource(path: string): SourceSpec {
  const embedded = embeddedSource(path);
  if (embedded) return embedded;
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) throw missing(path);
  const found = stat.isDirectory() ? inFolder(path) : inFile(path);
  if (found) return found;
  throw new NetrunError("not a kind of data that netrun knows", {
    file: path,
    notes: ["known: LMDB folders, MNIST IDX files (gzip too), Arrow IPC files, netrun:digits/train"],
  });
}

function inFolder(path: string): SourceSpec | undefined {
  const names = readdirSync(path).sort();
  if (names.includes("data.mdb")) return { kind: "lmdb", path };
  const images = names.filter((name) => /idx[34]-ubyte/.test(name));
  if (images.length === 1) return idxPair(join(path, images[0]!));
  if (images.length > 1)
    throw new NetrunError("several pairs of IDX files", { file: path, notes: [`name one of ${images.join(", ")}`] });
  return undefined;
}

function inFile(path: string): SourceSpec | undefined {
  const head = Buffer.alloc(24);
  const fd = openSync(path, "r");
  try {
    readSync(fd, head, 0, head.length, 0);
  } finally {
    closeSync(fd);
  }
  if (head.toString("latin1", 0, 6) === "ARROW1" || head.readUInt32LE(0) === 0xffffffff) return { kind: "arrow", path };
  if (head.readUInt32LE(16) === 0xbeefc0de) return { kind: "lmdb", path };
  if ((head[0] === 0 && head[1] === 0 && head[2] === 8) || /idx[134]-ubyte/.test(basename(path))) return idxPair(path);
  return undefined;
}

/** MNIST's names pair `X-images-idx3-ubyte` with `X-labels-idx1-ubyte`, either with .gz or without. */
function idxPair(path: string): SourceSpec {
  const stem = basename(path).replace(/\.gz$/, "");
  const [images, labels] = /labels?.idx1/.test(stem)
    ? [stem.replace(/labels?(.)idx1/, "images$1idx3"), stem]
    : [stem, stem.replace(/images?(.)idx[34]/, "labels$1idx1")];
  const find = (name: string): string => {
    const found = [name, `${name}.gz`].map((each) => join(dirname(path), each)).find((each) => existsSync(each));
    if (found) return found;
    throw new NetrunError("its partner is missing", {
      file: path,
      notes: [`expected ${name} or ${name}.gz beside it`],
    });
  };
  if (images === labels)
    throw new NetrunError("which file has the labels?", {
      file: path,
      notes: ["name the pair X-images-idx3-ubyte and X-labels-idx1-ubyte, as MNIST does"],
    });
  return { kind: "idx", images: find(images), labels: find(labels) };
}

function missing(path: string): NetrunError {
  const folder = dirname(path);
  const near = existsSync(folder) ? nearest(basename(path), readdirSync(folder)) : undefined;
  return new NetrunError("no such file or folder", {
    file: path,
    notes: near ? [`did you mean ${join(folder, near)}?`] : [],
  });
}
