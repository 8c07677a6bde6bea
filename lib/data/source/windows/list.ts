import { allocCounter } from "../../../budget.js";
import { readText } from "../../../caffe/files.js";
import { NetrunError } from "../../../error.js";

/** A window in an image: corners included, class of the object and how far they overlap. */
export interface Window {
  readonly image: number;
  readonly label: number;
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
}

/** A window file, its windows sorted into foreground and background; those between the thresholds are skipped. */
export interface WindowList {
  readonly images: readonly string[];
  readonly channels: number;
  readonly foreground: readonly Window[];
  readonly background: readonly Window[];
}

/** Memory of a window and an image's name, about. */
const ENTRY_BYTES = 100;

/** Channels of images, which are read in colour. */
const MAX_CHANNELS = 4;

/**
 * Reads R-CNN's window file: for each image `# INDEX`, its path, channels, height, width, the number of windows, and for
 * each window `CLASS OVERLAP X1 Y1 X2 Y2`, white space between all. A window is foreground from an overlap of
 * `above` on and background (then of class 0) below `below`. Throws a NetrunError that names the line of what is wrong, and for more
 * windows than --max-alloc has room for.
 */
export function readWindowList(path: string, above: number, below: number): WindowList {
  const text = readText(path);
  const words = wordsOf(path, text);
  const images = new Map<number, string>();
  const foreground: Window[] = [];
  const background: Window[] = [];
  let channels = 0;
  const count = allocCounter((entries) => `a list of ${entries} images and windows or more`, path);
  while (words.more()) {
    words.expect("#");
    const image = words.integer("an image index");
    images.set(image, words.next("an image path"));
    count(ENTRY_BYTES);
    channels = words.integer("channels");
    if (channels < 1 || channels > MAX_CHANNELS) throw words.fault(`images of ${channels} channels`);
    words.integer("a height");
    words.integer("a width");
    const windows = words.integer("a number of windows");
    for (let i = 0; i < windows; i++) {
      const label = words.integer("a class");
      const overlap = words.number("an overlap");
      const [x1, y1, x2, y2] = ["x1", "y1", "x2", "y2"].map((name) => words.integer(name)) as [
        number,
        number,
        number,
        number,
      ];
      count(ENTRY_BYTES);
      const window = { image, label, x1, y1, x2, y2 };
      if (overlap >= above) {
        if (label <= 0) throw words.fault(`a foreground window has the class ${label}; classes start at 1`);
        foreground.push(window);
      } else if (overlap < below) background.push({ ...window, label: 0 });
    }
  }
  if (images.size === 0) throw new NetrunError("the window file is empty", { file: path });
  return { images: listOf(path, images), channels, foreground, background };
}

function listOf(path: string, images: ReadonlyMap<number, string>): string[] {
  return Array.from({ length: images.size }, (_, i) => {
    const name = images.get(i);
    if (name === undefined)
      throw new NetrunError(`image indices are not 0 to ${images.size - 1}: ${i} is missing`, { file: path });
    return name;
  });
}

function wordsOf(path: string, text: string) {
  const pattern = /\S+/g;
  let match = pattern.exec(text);
  const fault = (message: string): NetrunError => {
    const line = text.slice(0, match?.index ?? text.length).split("\n").length;
    return new NetrunError(`line ${line}: ${message}`, { file: path });
  };
  const next = (what: string): string => {
    if (!match) throw fault(`the file ends where ${what} should stand`);
    const [word] = match;
    match = pattern.exec(text);
    return word;
  };
  const read = (what: string, isNumber: (value: number) => boolean): number => {
    const value = match ? Number(match[0]) : Number.NaN;
    if (!isNumber(value)) throw fault(`${match?.[0] ?? "the end"} where ${what} should stand`);
    next(what);
    return value;
  };
  return {
    more: () => match !== null,
    next,
    fault,
    expect(word: string): void {
      if (match?.[0] !== word) throw fault(`${match?.[0] ?? "the end"} where "${word}" should stand`);
      next(word);
    },
    number: (what: string) => read(what, (value) => !Number.isNaN(value)),
    /** Integers that C++ reads into an int. */
    integer: (what: string) => read(what, (value) => Number.isInteger(value) && Math.abs(value) < 2 ** 31),
  };
}
