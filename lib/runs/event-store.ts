import { statSync, writeFileSync } from "node:fs";
import type { NetrunError } from "../error.js";
import { replaceFile } from "../file.js";
import { jsonLine } from "../train/event-log.js";
import type { TrainEvent } from "../train/events.js";
import { addEvent, type Digest, newDigest } from "./digest.js";
import { LogFile } from "./log-files.js";
import { readDigest, storedText } from "./read-log.js";

/** Files that events are kept in. */
interface EventFiles {
  readonly events: string;
  readonly digest: string;
}

/** The digest is stored after this time, so that a reader of a running training has little left to read. */
const STORE_MS = 5000;

/** The events of a run in its folder: each as a line of JSON, and their digest. */
export class EventStore implements AsyncDisposable {
  readonly #files: EventFiles;
  readonly #log: LogFile;
  readonly #digest: Digest;
  readonly #startMs = performance.now();
  #bytes: number;
  #storedMs = performance.now();
  #storing: Promise<void> = Promise.resolve();

  /** `append` goes on with the log that is there. Throws NetrunError if the log cannot be opened. */
  constructor(files: EventFiles, append: boolean, warn: (warning: NetrunError) => void) {
    this.#files = files;
    this.#log = new LogFile(files.events, warn, append);
    this.#digest = append ? readDigest(files.events, files.digest).digest : newDigest();
    this.#bytes = statSync(files.events).size;
  }

  write(event: TrainEvent): void {
    const seconds = Number(((performance.now() - this.#startMs) / 1000).toFixed(3));
    const line = jsonLine({ seconds, event });
    this.#log.write(line);
    this.#bytes += Buffer.byteLength(line);
    addEvent(this.#digest, { seconds, event });
    if (performance.now() - this.#storedMs > STORE_MS) this.#store();
  }

  #store(): void {
    this.#storedMs = performance.now();
    const text = storedText(this.#bytes, this.#digest);
    // The log has everything: without a digest its reader takes longer.
    const write = () => replaceFile(this.#files.digest, (file) => writeFileSync(file, text)).catch(() => {});
    this.#storing = this.#storing.then(write);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#log.close();
    this.#store();
    await this.#storing;
  }
}
