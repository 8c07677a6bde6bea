import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { NetrunError } from "../error.js";
import { makeFolder } from "../file.js";
import { CSV_HEADER, csvLines, jsonLine } from "../train/event-log.js";
import type { TrainEvent } from "../train/events.js";

/** Files that a training is logged to while it runs. */
export interface LogPaths {
  /** One JSON object an event, a line each. */
  readonly json?: string | undefined;
  /** Rows `seconds,iteration,phase,net,name,value`. */
  readonly csv?: string | undefined;
  /** True if the run resumes another: what its log has stays, and the new lines follow. */
  readonly append?: boolean | undefined;
}

/** Writes events to the log files. A file that cannot be written is reported once and tried again; training goes on. */
export class LogFiles implements Disposable {
  readonly #startMs = performance.now();
  readonly #json: LogFile | undefined;
  readonly #csv: LogFile | undefined;

  /** Throws NetrunError if a file cannot be opened, unless only the disk is full. */
  constructor({ json, csv, append = false }: LogPaths, warn: (warning: NetrunError) => void) {
    this.#json = json === undefined ? undefined : new LogFile(json, warn, append);
    this.#csv = csv === undefined ? undefined : new LogFile(csv, warn, append);
    if (this.#csv?.isNew) this.#csv.write(CSV_HEADER);
  }

  write(event: TrainEvent): void {
    const seconds = secondsSince(this.#startMs);
    this.#json?.write(jsonLine({ seconds, event }));
    this.#csv?.write(csvLines({ seconds, event }));
  }

  [Symbol.dispose](): void {
    this.#json?.close();
    this.#csv?.close();
  }
}

/** Seconds since a time of performance.now(), to the millisecond, as logs have them. */
export const secondsSince = (startMs: number): number => Number(((performance.now() - startMs) / 1000).toFixed(3));

/** A file that failed is tried again after this time. */
const RETRY_MS = 1000;
/** Bytes that wait for a file that cannot be written; what comes then is lost, and counted. */
const MOST_WAITING = 2 ** 24;
/** Errors of a disk that may have room later. */
const FULL = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/** A file that lines are appended to. What cannot be written waits, in order, so that a reader never sees a line in pieces. */
export class LogFile {
  readonly #path: string;
  readonly #warn: (warning: NetrunError) => void;
  readonly #append: boolean;
  #file: number | undefined;
  #isNew = true;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #lostLines = 0;
  #failedMs: number | undefined;

  /** Throws NetrunError if the file cannot be opened, unless only the disk is full. */
  constructor(path: string, warn: (warning: NetrunError) => void, append = false) {
    this.#path = path;
    this.#warn = warn;
    this.#append = append;
    try {
      this.#open();
    } catch (cause) {
      if (!FULL.has(codeOf(cause))) throw this.#error("cannot write the log", cause);
      this.#failed(cause);
    }
  }

  /** True if there were no lines in it before. */
  get isNew(): boolean {
    return this.#isNew;
  }

  /** Appends text or bytes, now or once that is possible again. */
  write(text: string | Uint8Array): void {
    if (text.length === 0) return;
    const bytes = typeof text === "string" ? Buffer.from(text) : Buffer.from(text.buffer, text.byteOffset, text.length);
    if (this.#waitingBytes + bytes.length > MOST_WAITING) this.#lostLines++;
    else {
      this.#waiting.push(bytes);
      this.#waitingBytes += bytes.length;
    }
    if (this.#failedMs === undefined || performance.now() - this.#failedMs >= RETRY_MS) this.#flush();
  }

  close(): void {
    this.#flush();
    const lost = this.#lostLines + this.#waiting.length;
    if (lost > 0)
      this.#warn(new NetrunError(`the log ends early: ${lost} lines could not be written`, { file: this.#path }));
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #open(): void {
    makeFolder(dirname(this.#path));
    // Opening a pipe that nobody reads would wait for a reader; with O_NONBLOCK it fails.
    const { O_RDWR, O_WRONLY, O_CREAT, O_TRUNC, O_APPEND, O_NONBLOCK = 0 } = constants;
    const keeps = this.#append && isFile(this.#path);
    const file = openSync(this.#path, (keeps ? O_RDWR | O_APPEND : O_WRONLY | O_TRUNC) | O_CREAT | O_NONBLOCK, 0o666);
    this.#file = file;
    if (keeps) this.#isNew = cutLastLine(file) === 0;
  }

  #flush(): void {
    try {
      if (this.#file === undefined) this.#open();
      for (;;) {
        const [first] = this.#waiting;
        if (!first) break;
        const written = writeSync(this.#file!, first);
        this.#waitingBytes -= written;
        // A disk that becomes full takes a part of a line: the rest comes first when there is room again.
        if (written < first.length) this.#waiting[0] = first.subarray(written);
        else this.#waiting.shift();
      }
      this.#failedMs = undefined;
    } catch (cause) {
      // EAGAIN: the reader of a pipe is slow.
      if (codeOf(cause) !== "EAGAIN") this.#failed(cause);
    }
  }

  #failed(cause: unknown): void {
    if (this.#failedMs === undefined) this.#warn(this.#error("cannot write the log for now, training goes on", cause));
    this.#failedMs = performance.now();
  }

  #error(what: string, cause: unknown): NetrunError {
    return new NetrunError(`${what}: ${(cause as Error).message}`, { file: this.#path, cause });
  }
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true;

/** Bytes that are looked through at a time. */
const BLOCK = 2 ** 16;

/** Cuts off a last line without an end, as a killed run leaves one. Gives the bytes that stay. */
function cutLastLine(file: number): number {
  const block = Buffer.alloc(BLOCK);
  let end = fstatSync(file).size;
  while (end > 0) {
    const start = Math.max(0, end - BLOCK);
    const read = readSync(file, block, 0, end - start, start);
    const at = block.subarray(0, read).lastIndexOf("\n");
    end = at < 0 ? start : start + at + 1;
    if (at >= 0) break;
  }
  ftruncateSync(file, end);
  return end;
}

const codeOf = (cause: unknown): string => (cause as NodeJS.ErrnoException).code ?? "";
