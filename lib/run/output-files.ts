import { writeHdf5Rows } from "../caffe/hdf5.js";
import type { FileOutput } from "../layers/index.js";
import { type Arrays, fileKey } from "./compiled-net.js";

/** The files that a net's forwards write to: made anew by the first, which the others add rows to. */
export class OutputFiles {
  readonly #made = new Set<string>();

  /** Adds what one forward computed. Throws NetrunError if a file cannot be written. */
  async append(files: readonly FileOutput[], values: Arrays): Promise<void> {
    for (const [i, { path, sets }] of files.entries()) {
      const rows = Object.entries(sets).map(
        ([name, { type }]) => [name, { shape: type.shape, data: values[fileKey(i, name)]! }] as const,
      );
      await writeHdf5Rows(path, Object.fromEntries(rows), this.#made.has(path));
      this.#made.add(path);
    }
  }
}
