import { writeHdf5Rows } from "../caffe/hdf5.js";
import { NetrunError } from "../error.js";
import type { FileOutput } from "../layers/index.js";
import { type Arrays, fileKey } from "./compiled-net.js";
import { DetectionFiles } from "./detection-files.js";

/** The files that a net's forwards write to: made anew by the first, which the others add rows to. */
export class OutputFiles {
  readonly #made = new Set<string>();
  readonly #goesOn: boolean;
  readonly #detections = new Map<number, DetectionFiles>();
  readonly #reported = new Set<string>();

  /** `goesOn`: a file that cannot be written is reported once and tried again with the next rows; those that it lacks are lost. */
  constructor(goesOn = false) {
    this.#goesOn = goesOn;
  }

  /** Adds what one forward computed. Throws NetrunError if a file cannot be written, unless it goes on. */
  async append(files: readonly FileOutput[], values: Arrays): Promise<void> {
    for (const [i, { path, sets, detections }] of files.entries()) {
      const rows = Object.entries(sets).map(
        ([name, { type }]) => [name, { shape: type.shape, data: values[fileKey(i, name)]! }] as const,
      );
      try {
        if (detections) {
          const writer = this.#detections.get(i) ?? new DetectionFiles(detections);
          this.#detections.set(i, writer);
          await writer.add(values[fileKey(i, "rows")]! as Float32Array);
          continue;
        }
        await writeHdf5Rows(path, Object.fromEntries(rows), this.#made.has(path));
        this.#made.add(path);
      } catch (error) {
        if (!this.#goesOn || !(error instanceof NetrunError)) throw error;
        this.#report(path, error);
      }
    }
  }

  #report(path: string, error: NetrunError): void {
    if (this.#reported.has(path)) return;
    this.#reported.add(path);
    process.emitWarning(`${error.format()}\nrows are missing in it from here on, training continues`, "OutputFile");
  }
}
