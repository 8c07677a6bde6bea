import { allocCounter } from "../../budget.js";
import { requireFile } from "../../caffe/files.js";
import { NetrunError } from "../../error.js";
import { linesIn } from "../../file.js";

/** About what is kept of each file as long as it is read: its path, its datasets and their shapes. */
const FILE_BYTES = 4096;

/** The names in a list of HDF5 files, separated by any white space. Throws a NetrunError for an empty list, and for more than --max-alloc has room for. */
export function readHdf5List(path: string): readonly string[] {
  const names: string[] = [];
  const count = allocCounter((files) => `a list of ${files} HDF5 files or more`, path);
  for (const { line } of linesIn(requireFile(path)))
    for (const [name] of line.matchAll(/\S+/g)) {
      names.push(name);
      count(FILE_BYTES);
    }
  if (names.length === 0) throw new NetrunError("the list names no HDF5 files", { file: path });
  return names;
}
