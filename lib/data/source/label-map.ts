import { readText } from "../../caffe/files.js";
import type { LabelMap } from "../../caffe/messages.js";
import { reflect } from "../../caffe/schema.js";
import { NetrunError } from "../../error.js";
import { parseText } from "../../text/parse.js";

/** A class of a label map: its name in annotations, the one to show, and its number. */
export interface LabelName {
  readonly name: string;
  readonly shown: string;
  readonly label: number;
}

/** Numbers of classes at most: arrays of names have as many places. */
const MOST_LABELS = 1_000_000;

/** The classes in one of SSD's label maps, `item { name: "n" label: 1 display_name: "cat" }`. Throws a NetrunError. */
export function readLabelMap(path: string): readonly LabelName[] {
  const { item } = parseText(reflect("LabelMap"), readText(path), { name: path }) as LabelMap;
  return item.map(({ name, label, display_name: shown }) => {
    if (label < 0 || label > MOST_LABELS) throw new NetrunError(`"${name}" has the label ${label}`, { file: path });
    return { name, label, shown: shown || name };
  });
}
