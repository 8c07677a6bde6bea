import { allocCounter } from "../budget.js";
import { isBinary, readBytes } from "../caffe/files.js";
import { readLabelMap } from "../data/source/label-map.js";
import { NetrunError } from "../error.js";
import { linesIn } from "../file.js";

/** About what a label takes in memory beyond its characters. */
const LABEL_BYTES = 50;

/**
 * The names of classes in a file: a line each, in order, or SSD's label map, whose items say their numbers. Throws NetrunError for
 * a file that is no text.
 */
export function readClassLabels(path: string): readonly (string | undefined)[] {
  const { path: found, bytes } = readBytes(path);
  if (isBinary(bytes))
    throw new NetrunError("is not a text file: expected the name of a class on each line", { file: found });
  if (/^\s*item\s*[:{]/.test(Buffer.from(bytes.subarray(0, 1000)).toString())) return labelMap(found);
  const labels: string[] = [];
  const count = allocCounter((lines) => `a list of ${lines} labels or more`, found);
  for (const { line } of linesIn(found)) {
    if (line === "") continue;
    count(LABEL_BYTES + 2 * line.length);
    labels.push(line);
  }
  return labels;
}

function labelMap(path: string): readonly (string | undefined)[] {
  const labels: (string | undefined)[] = [];
  for (const { label, shown } of readLabelMap(path)) labels[label] = shown;
  return labels;
}
