import { readBytes } from "../../../caffe/files.js";
import { NetrunError } from "../../../error.js";

/** A list file of images and labels; the lines stay bytes until they are asked for, since lists have millions. */
export interface ImageList {
  readonly length: number;
  entry(index: number): ImageLine;
}

/** A line of a list: its number in the file, from 1, the file name and the label; or why it has none. */
export interface ImageLine {
  readonly line: number;
  readonly name: string;
  readonly label: number;
  readonly problem?: string;
}

/**
 * Reads a list of `NAME LABEL` lines; the name ends at the line's last blank, so that it may have blanks itself, and empty
 * lines do not count. Throws a NetrunError where there are no lines.
 */
export function readImageList(path: string): ImageList {
  const bytes = Buffer.from(readBytes(path).bytes);
  const starts: number[] = [];
  const lines: number[] = [];
  for (let at = 0, line = 1; at < bytes.length; line++) {
    const newline = bytes.indexOf(10, at);
    const end = newline < 0 ? bytes.length : newline;
    if (bytes.toString("utf8", at, end).trim() !== "") {
      starts.push(at);
      lines.push(line);
    }
    at = end + 1;
  }
  if (starts.length === 0) throw new NetrunError("the list has no images", { file: path });
  const entry: ImageList["entry"] = (index) => {
    const newline = bytes.indexOf(10, starts[index]);
    const text = bytes.toString("utf8", starts[index], newline < 0 ? bytes.length : newline).trim();
    const match = /^(.*\S)[ \t]+(-?\d+)$/.exec(text);
    const line = lines[index]!;
    if (match) return { line, name: match[1]!, label: Number(match[2]) };
    const problem = `not "NAME LABEL" with an integer label: ${JSON.stringify(text)}`;
    return { line, name: "", label: 0, problem };
  };
  return { length: starts.length, entry };
}
