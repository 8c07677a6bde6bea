import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { nameOfContent } from "../../caffe/content.js";
import { isBinary, readBytes } from "../../caffe/files.js";
import { NetrunError, nearest } from "../../error.js";
import { readingFailed, refuseSpecial } from "../../file.js";
import { countRange, type NumberRange, parseNumber, SEED } from "../../options/number.js";
import { cifarClasses } from "./cifar.js";
import { DIGIT_PARTS, type DigitPart } from "./digits/source.js";
import { readHdf5List } from "./hdf5-list.js";
import { isImageFolder } from "./images/folder.js";
import { readImageList } from "./images/list.js";
import type { SourceSpec } from "./open.js";
import { isPreparation } from "./prepared/preparation.js";
import { SHAPE_PARTS, type ShapePart } from "./shapes/source.js";

/** Tests whether a name is the address of a DataFrame of Spark's, such as `spark:parquet:hdfs:///train`. */
export const isFrame = (name: string): boolean => name.startsWith("spark:");

/** The sources of netrun's own, by what names them in place of a path. */
const EMBEDDED: ReadonlyMap<string, SourceSpec> = new Map<string, SourceSpec>([
  ...Object.keys(DIGIT_PARTS).map(
    (part) => [`netrun:digits/${part}`, { kind: "digits", part: part as DigitPart }] as const,
  ),
  ...Object.keys(SHAPE_PARTS).map(
    (part) => [`netrun:shapes/${part}`, { kind: "shapes", part: part as ShapePart }] as const,
  ),
]);

/** The embedded source that a name like `netrun:digits/train` means, or undefined where it is a path. */
export function embeddedSource(name: string): SourceSpec | undefined {
  if (!name.startsWith("netrun:")) return undefined;
  const known = EMBEDDED.get(name);
  if (known) return known;
  const near = nearest(name, [...EMBEDDED.keys()]);
  throw new NetrunError(`"${name}" is not an embedded data set`, {
    notes: [near ? `did you mean ${near}?` : `there are ${[...EMBEDDED.keys()].join(", ")}`],
  });
}

/**
 * Source at a path (or the name of an embedded one), decided by content: an LMDB, LevelDB, IDX, CIFAR-10, Arrow, image or
 * text folder, or an LMDB, IDX (its partner beside it), Arrow, Parquet, HDF5, CSV, TSV or text file or a list of image or HDF5 files.
 * Options stand behind a question mark, as in an address: `iris.csv?label=species&missing=0`. Throws a NetrunError
 * that says what would have been understood.
 */
export function detectSource(name: string): SourceSpec {
  if (isFrame(name)) {
    throw new NetrunError(`"${name}" is a DataFrame, which is read on a Spark cluster`, {
      notes: ["name the cluster: --master spark://HOST:7077, local[2], yarn or k8s://..."],
    });
  }
  const mark = existsSync(name) ? -1 : name.lastIndexOf("?");
  const path = mark < 0 ? name : name.slice(0, mark);
  const options = new Options(path, mark < 0 ? "" : name.slice(mark + 1));
  const found = embeddedSource(path) ?? readable(path, options);
  const shuffle = options.seed("shuffle");
  const fold = foldOf(path, options);
  options.refuseRest();
  return { ...found, ...given("shuffle", shuffle), ...given("fold", fold) };
}

function readable(path: string, options: Options): SourceSpec {
  try {
    return inPath(path, options);
  } catch (cause) {
    throw readingFailed(path, cause);
  }
}

function inPath(path: string, options: Options): SourceSpec {
  refuseSpecial(path);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) throw missing(path);
  const found = stat.isDirectory() ? inFolder(path, options) : inFile(path, stat.size, options);
  if (found) return found;
  throw new NetrunError(`not a kind of data that netrun knows${knownAs(path)}`, {
    file: path,
    notes: [
      "folders: LMDB, LevelDB, IDX pairs, CIFAR-10 .bin, Arrow, a folder of images (or texts) for each class",
      "files: LMDB, IDX, Arrow, Parquet, HDF5, CSV and TSV (gzip too), text, lists of image or HDF5 files",
      "embedded: netrun:digits/train and netrun:digits/test",
    ],
  });
}

function inFolder(path: string, options: Options): SourceSpec | undefined {
  const names = readdirSync(path).sort();
  if (names.length === 0) throw new NetrunError("is an empty folder", { file: path });
  if (names.includes("data.mdb")) return { kind: "lmdb", path };
  if (names.includes("CURRENT")) return { kind: "leveldb", path };
  if (names.some((name) => name.endsWith(".arrow")))
    return { kind: "arrow", path, ...given("missing", options.number("missing")) };
  const images = names.filter((name) => /idx[34]-ubyte/.test(name));
  if (images.length === 1) return idxPair(join(path, images[0]!));
  if (images.length > 1)
    throw new NetrunError("several pairs of IDX files", { file: path, notes: [`name one of ${images.join(", ")}`] });
  const cifar = names.filter((name) => /^data_batch_\d+\.bin$/.test(name));
  if (cifar.length > 0) return { kind: "cifar", files: cifar.map((name) => join(path, name)) };
  if (names.includes("train.bin")) return cifarFile(join(path, "train.bin"));
  if (isImageFolder(path)) return { kind: "folder", path };
  const hasTexts = names.some((name) => {
    const inside = join(path, name);
    return statSync(inside).isDirectory() && readdirSync(inside).some((file) => /\.txt$/i.test(file));
  });
  return hasTexts ? textSpec(path, options) : undefined;
}

function inFile(path: string, size: number, options: Options): SourceSpec | undefined {
  const head = headOf(path);
  const magic = head.toString("latin1", 0, 8);
  if (magic.startsWith("ARROW1") || head.readUInt32LE(0) === 0xffffffff)
    return { kind: "arrow", path, ...given("missing", options.number("missing")) };
  if (magic.startsWith("PAR1")) return { kind: "parquet", path, ...given("missing", options.number("missing")) };
  if (magic === "\x89HDF\r\n\x1a\n") return { kind: "hdf5", files: [path] };
  if (head.readUInt32LE(16) === 0xbeefc0de) return { kind: "lmdb", path };
  if (/idx[134]-ubyte/.test(basename(path)) || (head.readUInt16LE(0) === 0 && head[2] === 8)) return idxPair(path);
  if (/\.bin$/.test(path) && cifarClasses(size)) return cifarFile(path);
  if (/\.[ct]sv(\.gz)?$/i.test(path)) return csvSpec(path, options);
  const start = startOf(path, Buffer.alloc(4096, " "));
  if (isBinary(start)) return undefined;
  if (isPreparation(start.toString())) return { kind: "prepared", path, part: partOf(path, options) };
  return annotationSpec(path, options) ?? listSpec(path) ?? textSpec(path, options);
}

/** Kind of a file that is one of Caffe's: a net, weights, a solver state, a mean image. */
function knownAs(path: string): string {
  if (statSync(path).isDirectory()) return "";
  const what = nameOfContent(readBytes(path).bytes);
  return what === undefined ? "" : `: it ${what}`;
}

/** An option, where it is given. */
const given = <K extends string, V>(name: K, value: V | undefined): { readonly [key in K]?: V } =>
  value === undefined ? {} : ({ [name]: value } as { readonly [key in K]: V });

const headOf = (path: string): Buffer => startOf(path, Buffer.alloc(24, 1));

/** Prefix of a line that is examined: names of files are shorter. */
const LINE_BYTES = 65_536;
const firstLine = (path: string): string =>
  startOf(path, Buffer.alloc(LINE_BYTES, "\n")).toString("utf8").split("\n", 1)[0]!;

/** The bytes at a file's start; where it is shorter, the rest of `head` stays. */
function startOf(path: string, head: Buffer): Buffer {
  const fd = openSync(path, "r");
  try {
    readSync(fd, head, 0, head.length, 0);
  } finally {
    closeSync(fd);
  }
  return head;
}

/** CIFAR-10's and CIFAR-100's records differ by a byte. */
function cifarFile(path: string): SourceSpec {
  return { kind: "cifar", files: [path], ...given("classes", cifarClasses(statSync(path).size)) };
}

function csvSpec(path: string, options: Options): SourceSpec {
  return {
    kind: "csv",
    path,
    label: options.filled("label"),
    header: options.boolean("header"),
    delimiter: options.filled("delimiter"),
    missing: options.number("missing"),
  };
}

/** The part of the rows that `folds=N` with `without=I` or `only=I` means. */
function foldOf(path: string, options: Options): SourceSpec["fold"] {
  const count = options.number("folds", { whole: true, min: 2, max: 1000, unit: "folds" });
  const [only, without] = (["only", "without"] as const).map((name) =>
    options.number(name, { whole: true, min: 0, max: (count ?? 1) - 1 }),
  );
  const index = only ?? without;
  if (count === undefined && index === undefined) return undefined;
  if (count !== undefined && index !== undefined && (only === undefined || without === undefined))
    return { count, index, isHeld: only !== undefined };
  throw new NetrunError("which rows?", {
    file: path,
    notes: ["folds=N goes with either only=I or without=I, from 0 on"],
  });
}

/** The part of a prepared table that is meant. */
function partOf(path: string, options: Options): "train" | "test" {
  const part = options.filled("part") ?? "train";
  if (part === "train" || part === "test") return part;
  throw new NetrunError(`option part=${part} is neither train nor test`, { file: path });
}

/** Tokens of a row at most: a row of a batch is as long, whatever is in it. */
const MOST_TOKENS = 2 ** 20;

function textSpec(path: string, options: Options): SourceSpec {
  return {
    kind: "text",
    path,
    length: options.number("length", { ...countRange("tokens"), max: MOST_TOKENS }) ?? 128,
    tokens: options.number("tokens", countRange("words")) ?? 10_000,
    hash: options.boolean("hash") ?? false,
    ...given("vocabulary", vocabularyOf(path, options.filled("vocabulary"))),
  };
}

/** The texts that a vocabulary is of: from here, or else from the folder of the texts that get it. */
function vocabularyOf(path: string, name: string | undefined): string | undefined {
  const found = name === undefined ? undefined : [name, join(dirname(path), name)].find((each) => existsSync(each));
  if (name === undefined || found !== undefined) return found;
  throw new NetrunError(`the vocabulary is not there: ${name}`, { file: path });
}

/** A text file whose first line names an image and an annotation in XML. */
function annotationSpec(path: string, options: Options): SourceSpec | undefined {
  const [, image] = /^(\S.*\.\w+)[ \t]+\S+\.xml$/.exec(firstLine(path).trim()) ?? [];
  if (image === undefined) return undefined;
  const labels = options.filled("labels");
  if (labels === undefined)
    throw new NetrunError("is a list of images and annotations, whose classes have numbers in a label map", {
      file: path,
      notes: [`name it: ${path}?labels=labelmap.prototxt`],
    });
  const given = options.filled("root");
  const roots = given === undefined ? ["", `${dirname(path)}/`] : [given.endsWith("/") ? given : `${given}/`];
  const root = roots.find((each) => existsSync(each + image));
  if (root !== undefined) return { kind: "annotations", list: path, root, labels };
  throw new NetrunError(`is a list of images, and the first is not there: ${image}`, {
    file: path,
    notes: [
      `looked for ${roots.map((each) => each + image).join(" and ")}`,
      `${path}?root=FOLDER says where images are`,
    ],
  });
}

/** A text file whose first line names an image and a label, or an image of labels, or an HDF5 file, that is there. */
function listSpec(path: string): SourceSpec | undefined {
  const folder = `${dirname(path)}/`;
  const rootOf = (name: string): string | undefined => ["", folder].find((root) => existsSync(root + name));
  const first = firstLine(path).trim();
  const [, pictured, labels] = /^(\S.*\.\w+)[ \t]+(\S+\.(?:png|bmp|tiff?|gif))$/i.exec(first) ?? [];
  const shared = pictured === undefined ? undefined : rootOf(pictured);
  if (shared !== undefined && existsSync(shared + labels))
    return { kind: "images", list: path, root: shared, maps: true };
  const image = /^(.+\.\w+)[ \t]+-?\d+$/.exec(first)?.[1];
  const root = image === undefined ? undefined : rootOf(image);
  if (root !== undefined) return { kind: "images", list: path, root };
  if (image !== undefined && /\.(jpe?g|png|bmp|gif|tiff?|webp)$/i.test(image)) {
    throw missingImages(path, (name) => rootOf(name) === undefined, [image, folder + image]);
  }
  if (!/\.(h5|hdf5)$/i.test(first) || rootOf(first) === undefined) return undefined;
  const files = readHdf5List(path).map((name) => (rootOf(name) ?? "") + name);
  return { kind: "hdf5", files };
}

/** Lines of a list that are looked up, and images that are named. */
const LOOKED_UP = 10_000;
const NAMED = 3;

function missingImages(
  path: string,
  isMissing: (name: string) => boolean,
  lookedFor: readonly [string, string],
): NetrunError {
  const { length, entry } = readImageList(path);
  const looked = Math.min(length, LOOKED_UP);
  const names = Array.from({ length: looked }, (_, i) => entry(i).name).filter(
    (name) => name !== "" && isMissing(name),
  );
  const all = looked < length ? `the first ${looked}` : `its ${looked}`;
  const count = names.length === looked ? `none of ${all} is there` : `${names.length} of ${all} are not there`;
  const rest = names.length > NAMED ? ", ..." : "";
  return new NetrunError(`is a list of images, and ${count}: ${names.slice(0, NAMED).join(", ")}${rest}`, {
    file: path,
    notes: [`looked for ${lookedFor.join(" and ")}; in a prototxt root_folder says where images are`],
  });
}

/** Options after the question mark; what nobody asked for is a mistake. */
class Options {
  readonly #path: string;
  readonly #rest: Map<string, string>;
  readonly #known: string[] = [];

  constructor(path: string, query: string) {
    this.#path = path;
    const given = [...new URLSearchParams(query)];
    this.#rest = new Map(given);
    const twice = given.find(([name], i) => given.findIndex((other) => other[0] === name) < i);
    if (twice) throw new NetrunError(`option ${twice[0]} is given more than once`, { file: path });
  }

  text(name: string): string | undefined {
    this.#known.push(name);
    const value = this.#rest.get(name);
    this.#rest.delete(name);
    return value;
  }

  /** A text that is not empty. */
  filled(name: string): string | undefined {
    const value = this.text(name);
    if (value === "") throw new NetrunError(`option ${name} has no value`, { file: this.#path });
    return value;
  }

  number(name: string, range: NumberRange = {}): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    return parseNumber(`option ${name}`, text, range, this.#path);
  }

  /** A seed; 1 where the option has no value. */
  seed(name: string): number | undefined {
    if (this.#rest.get(name) !== "") return this.number(name, SEED);
    this.text(name);
    return 1;
  }

  boolean(name: string): boolean | undefined {
    const text = this.text(name);
    if (text === undefined || text === "true" || text === "false") return text === undefined ? text : text === "true";
    throw new NetrunError(`option ${name}=${text} is neither true nor false`, { file: this.#path });
  }

  refuseRest(): void {
    for (const name of this.#rest.keys()) {
      const near = nearest(name, this.#known);
      const known =
        this.#known.length > 0 ? `options here: ${this.#known.join(", ")}` : "this kind of data has no options";
      throw new NetrunError(`there is no option "${name}"`, {
        file: this.#path,
        notes: [near ? `did you mean "${near}"?` : known],
      });
    }
  }
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
