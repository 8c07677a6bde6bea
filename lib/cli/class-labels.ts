import { allocCounter } from "../budget.js";
import { isBinary, readBytes, textOf } from "../caffe/files.js";
import type { LabelMap } from "../caffe/messages.js";
import { reflect } from "../caffe/schema.js";
import { NetrunError } from "../error.js";
import { linesIn } from "../file.js";
import { parseText } from "../text/parse.js";

/** About what a label takes in memory beyond its characters. */
const LABEL_BYTES = 50;

/**
 * The names of classes in a file: a line each, in order, or SSD's label map, whose items say their numbers. Throws NetrunError for
 * a file that is no text.
 */
export function readClassLabels(path: string): readonly (string | undefined)[] {
  const { path: found, bytes } = readBytes(path);
  if (isBinary(bytes)) throw new NetrunError("is no text: a name of a class on each line is expected", { file: found });
  if (/^\s*item\s*[:{]/.test(Buffer.from(bytes.subarray(0, 1000)).toString())) return labelMap(bytes, found);
  const labels: string[] = [];
  const count = allocCounter((lines) => `a list of ${lines} labels or more`, found);
  for (const { line } of linesIn(found)) {
    if (line === "") continue;
    count(LABEL_BYTES + 2 * line.length);
    labels.push(line);
  }
  return labels;
}

function labelMap(bytes: Uint8Array, file: string): readonly (string | undefined)[] {
  const { item } = parseText(reflect("LabelMap"), textOf(bytes, file), { name: file }) as LabelMap;
  const labels: (string | undefined)[] = [];
  for (const { label, name, display_name: shown } of item) {
    // Numbers of classes are few; an array is not made for others.
    if (label < 0 || label > 1e6) throw new NetrunError(`"${name}" has the label ${label}`, { file });
    labels[label] = shown || name;
  }
  return labels;
}
