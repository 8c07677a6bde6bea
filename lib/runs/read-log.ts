import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import { NetrunError } from "../error.js";
import { readingFailed } from "../file.js";
import { type Logged, readJsonLine } from "../train/event-log.js";
import { addEvent, type Digest, isDigest, newDigest } from "./digest.js";

const PIECE = 2 ** 20;
const MAX_LINE = 16 * PIECE;

/** Reads the events of a JSON log as it grows. A line without its end, which is still written, waits for the rest. */
export class LogReader {
  readonly #path: string;
  #offset: number;

  /** Reads from a byte on, where a line begins. */
  constructor(path: string, offset = 0) {
    this.#path = path;
    this.#offset = offset;
  }

  /** The byte where the next line begins. */
  get offset(): number {
    return this.#offset;
  }

  /** Events of the lines that have come since the last call; none while there is no file. Throws NetrunError for a damaged line. */
  *next(): Generator<Logged> {
    let file: number;
    try {
      file = openSync(this.#path, "r");
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "ENOENT") return;
      throw readingFailed(this.#path, cause);
    }
    try {
      // A log that was begun anew is read anew.
      if (fstatSync(file).size < this.#offset) this.#offset = 0;
      const decoder = new StringDecoder("utf8");
      const bytes = Buffer.allocUnsafe(PIECE);
      let rest = "";
      for (let position = this.#offset; ; ) {
        const read = readSync(file, bytes, 0, PIECE, position);
        if (read === 0) return;
        position += read;
        const lines = decoder.write(bytes.subarray(0, read)).split("\n");
        lines[0] = rest + lines[0];
        rest = lines.pop()!;
        if (rest.length > MAX_LINE)
          throw new NetrunError("has a line of more than 16 Mi characters", { file: this.#path });
        for (const line of lines) {
          this.#offset += Buffer.byteLength(line) + 1;
          const logged = this.#parse(line);
          if (logged) yield logged;
        }
      }
    } finally {
      closeSync(file);
    }
  }

  #parse(line: string): Logged | undefined {
    if (line.trim() === "") return undefined;
    try {
      return readJsonLine(line);
    } catch (cause) {
      if (!(cause instanceof NetrunError)) throw cause;
      throw new NetrunError(`before byte ${this.#offset}: ${cause.message}`, { file: this.#path, cause });
    }
  }
}

/** The text of a stored digest: that of the first `bytes` of a log, with a hash over it. */
export function storedText(bytes: number, digest: Digest): string {
  const text = JSON.stringify(digest);
  return `{"bytes":${bytes},"check":"${hashOf(bytes, text)}","digest":${text}}\n`;
}

const hashOf = (bytes: number, text: string): string => createHash("sha256").update(`${bytes} ${text}`).digest("hex");

/** A log's digest so far, and what reads on. */
export interface ReadLog {
  readonly digest: Digest;
  readonly reader: LogReader;
}

/** The digest of a JSON log: from the stored one, where there is one that fits, and the lines after it. Throws NetrunError. */
export function readDigest(log: string, stored?: string): ReadLog {
  const before = stored === undefined ? undefined : readStored(stored, log);
  const digest = before?.digest ?? newDigest();
  const reader = new LogReader(log, before?.bytes ?? 0);
  for (const logged of reader.next()) addEvent(digest, logged);
  return { digest, reader };
}

/** The stored digest; undefined where it is missing, damaged, of another version or not of the beginning of this log. */
function readStored(path: string, log: string): { readonly bytes: number; readonly digest: Digest } | undefined {
  try {
    const text = readFileSync(path, "utf8");
    const [, bytes = "", check, body = ""] =
      /^\{"bytes":(\d+),"check":"([0-9a-f]{64})","digest":(.*)\}\n$/s.exec(text) ?? [];
    if (check !== hashOf(Number(bytes), body) || !endsLine(log, Number(bytes))) return undefined;
    const digest: unknown = JSON.parse(body);
    return isDigest(digest) ? { bytes: Number(bytes), digest } : undefined;
  } catch {
    // The log has all of it.
    return undefined;
  }
}

/** Tests whether a line ends right before a byte. */
function endsLine(log: string, bytes: number): boolean {
  if (bytes === 0) return true;
  const size = statSync(log, { throwIfNoEntry: false })?.size ?? 0;
  if (!(bytes <= size)) return false;
  const file = openSync(log, "r");
  try {
    const last = Buffer.alloc(1);
    return readSync(file, last, 0, 1, bytes - 1) === 1 && last[0] === 10;
  } finally {
    closeSync(file);
  }
}
