import type { Tensors } from "../api/net.js";
import type { Digest } from "../runs/digest.js";
import type { RunStatus } from "../runs/list.js";
import type { Logged } from "../train/event-log.js";
import type { Control } from "../train/requests.js";

/** Facts of a run that a page cannot know from events. */
export interface RunDescription {
  readonly name: string;
  /** Settings of the run, for comparisons. */
  readonly settings: Readonly<Record<string, string | number | boolean>>;
  /** True if it can be controlled from here. */
  readonly takesControls: boolean;
}

/** A blob of the net for one image, as a page shows it. */
export interface ShownBlob {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Tensors[string]["data"];
}

/** A run that a dashboard shows: one that trains in this process, or a folder or log on disk. */
export interface RunView extends AsyncDisposable {
  readonly id: string;
  readonly description: RunDescription;
  readonly digest: Digest;
  readonly status: RunStatus;
  /** Events since the last call, which the digest has already. Throws NetrunError where a log is damaged. */
  poll(): readonly Logged[];
  /** Asks the training for something. Throws NetrunError where it cannot be asked. */
  control(control: Control): void;
  /** The net as a picture in SVG; undefined where only its log is known. */
  drawing(): Promise<string | undefined>;
  /** The filters of the first convolution as PNG; undefined where there are none. */
  filters(): Promise<Buffer | undefined>;
  /** The blobs of the net for an image; undefined where there are no weights. Throws NetrunError for what is no image. */
  activations(image: Buffer): Promise<readonly ShownBlob[] | undefined>;
}

/** Runs that a dashboard shows, of which there may come more. */
export interface RunSource extends AsyncDisposable {
  readonly runs: readonly RunView[];
  /** Looks for runs that have come since the last call, and returns those. Throws NetrunError where one is damaged. */
  look(): readonly RunView[];
}

/** Some runs, to which none come. */
export const fixedRuns = (runs: readonly RunView[]): RunSource => ({
  runs,
  look: () => [],
  async [Symbol.asyncDispose]() {
    for (const run of runs) await run[Symbol.asyncDispose]();
  },
});
