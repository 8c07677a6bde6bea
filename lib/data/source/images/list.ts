import { checkAlloc } from "../../../budget.js";
import { readBytes } from "../../../caffe/files.js";
import { NetrunError } from "../../../error.js";
import { linesIn } from "../../../file.js";

/** A list file of images and labels; the lines stay bytes until they are asked for, since lists have millions. */
export interface ImageList {
  readonly length: number;
  entry(index: number): ImageLine;
}

/** A line of a list: its number in the file, from 1, the file name and the label or labels; or why it has none. */
export interface ImageLine {
  readonly line: number;
  readonly name: string;
  readonly label: number;
  /** All labels, where lines have several. */
  readonly labels?: readonly number[];
  /** The image of labels, where lines name one instead of a number. */
  readonly map?: string;
  readonly problem?: string;
}

/** Bytes of a line that are looked at: paths have 4,096 at most. */
const MAX_LINE = 65_536;
/** Bytes that a line takes beyond its own: where it starts and its number. */
const PLACE_BYTES = 8;
const [NEWLINE, BLANK] = [10, 32];
const MAX_LABEL = 2 ** 31 - 1;

/** Labels after the names of a list: an image of labels, or so many numbers, one by default; or none, `names` being true. */
export interface ListLabels {
  readonly maps?: boolean | undefined;
  readonly count?: number | undefined;
  readonly names?: boolean | undefined;
}

/**
 * Reads a list of `NAME LABEL` lines, or of `NAME LABELS`, an image or numbers each; the name ends where these begin, so that
 * it may have blanks itself, and empty lines do not count. Throws a NetrunError where there are no lines, or more than --max-alloc has room for.
 */
export function readImageList(path: string, { maps = false, count = 1, names = false }: ListLabels = {}): ImageList {
  const whole = readBytes(path).bytes;
  const bytes = Buffer.from(whole.buffer, whole.byteOffset, whole.byteLength);
  let length = 0;
  eachLine(bytes, () => length++);
  if (length === 0) throw new NetrunError("the list has no images", { file: path });
  checkAlloc(PLACE_BYTES * length, `a list of ${length} lines`, path);
  const [starts, lines] = [new Uint32Array(length), new Uint32Array(length)];
  let at = 0;
  eachLine(bytes, (start, line) => {
    starts[at] = start;
    lines[at++] = line;
  });
  const entry: ImageList["entry"] = (index) => {
    const [start, line] = [starts[index]!, lines[index]!];
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline < 0 ? bytes.length : newline;
    if (end - start > MAX_LINE)
      return noEntry(line, `a line of ${end - start} bytes, and at most ${MAX_LINE} are read`);
    const text = bytes.toString("utf8", start, end);
    if (names) return { line, name: text.trim(), label: 0 };
    if (maps) return pairOf(text, line);
    return lineOf(text, line, count);
  };
  return { length, entry };
}

/** The first line of a list that is not empty; undefined for an empty list. Throws a NetrunError where it cannot be read. */
export function firstImage(path: string, count = 1): ImageLine | undefined {
  let number = 0;
  for (const { line } of linesIn(path)) {
    number++;
    if (line.trim() !== "") return lineOf(line, number, count);
  }
  return undefined;
}

/** Calls `use` for each line that has more than blanks in it, with its first byte and its number from 1. */
function eachLine(bytes: Uint8Array, use: (start: number, line: number) => void): void {
  let [start, line, isEmpty] = [0, 1, true];
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (byte > BLANK) isEmpty = false;
    else if (byte === NEWLINE) {
      if (!isEmpty) use(start, line);
      [start, isEmpty] = [i + 1, true];
      line++;
    }
  }
  if (!isEmpty) use(start, line);
}

function entryOf(whole: string, line: number): ImageLine {
  const text = whole.trim();
  const match = /^(.*\S)[ \t]+(-?\d+)$/.exec(text);
  if (!match) return noEntry(line, `not "NAME LABEL" with an integer label: ${JSON.stringify(text)}`);
  const label = Number(match[2]);
  if (Math.abs(label) <= MAX_LABEL) return { line, name: match[1]!, label };
  return noEntry(line, `the label ${match[2]} is larger than ${MAX_LABEL}`);
}

const lineOf = (whole: string, line: number, count: number): ImageLine =>
  count > 1 ? entryOfSeveral(whole, line, count) : entryOf(whole, line);

function entryOfSeveral(whole: string, line: number, count: number): ImageLine {
  const words = whole.trim().split(/([ \t]+)/);
  const name = words.slice(0, -2 * count).join("");
  const labels = words.filter((_, i) => i % 2 === 0).slice(-count);
  if (name !== "" && labels.every((label) => label !== "" && Number.isFinite(Number(label))))
    return { line, name, label: Number(labels[0]), labels: labels.map(Number) };
  return noEntry(line, `not "NAME" and ${count} numbers, its labels: ${JSON.stringify(whole.trim())}`);
}

function pairOf(whole: string, line: number): ImageLine {
  const match = /^(.*\S)[ \t]+(\S+)$/.exec(whole.trim());
  if (match) return { line, name: match[1]!, label: 0, map: match[2]! };
  return noEntry(line, `not "IMAGE LABELS", two names of images: ${JSON.stringify(whole.trim())}`);
}

const noEntry = (line: number, problem: string): ImageLine => ({ line, name: "", label: 0, problem });
