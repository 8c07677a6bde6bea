import { totalmem } from "node:os";
import { NetrunError } from "./error.js";

/** Limits of reading a file, whatever the file declares. */
export interface Limits {
  /** Bytes that one file may make its reader allocate beyond its own size: decoded images, unpacked archives. Default 1 GiB. */
  readonly maxAlloc?: number | undefined;
  /** Milliseconds that a reader may take for one answer (opening, a batch of rows, an image). Default 6,000 and 1,000 a MiB, at most 60,000. */
  readonly readTimeoutMs?: number | undefined;
}

const GIB = 2 ** 30;

// In the environment, because readers also run in threads and child processes, which inherit it without being told one by one.
const VARIABLES = { maxAlloc: "NETRUN_MAX_ALLOC", readTimeoutMs: "NETRUN_READ_TIMEOUT_MS" } as const;
const DEFAULTS = { maxAlloc: GIB, readTimeoutMs: 60_000 } as const;
/** Limit for a small file, and a MiB more of it: the slowest sound files take a tenth of that. */
const [SMALL_MS, MIB_MS] = [6000, 1000];
const UNITS: Readonly<Record<string, number>> = { "": 1, k: 2 ** 10, m: 2 ** 20, g: GIB, t: 2 ** 40 };

/**
 * Sets what readers may use in this process, and in the threads and child processes that it starts from then on.
 * Throws NetrunError for a limit that is no positive whole number.
 */
export function setLimits(limits: Limits): void {
  for (const name of ["maxAlloc", "readTimeoutMs"] as const) {
    const value = limits[name];
    if (value === undefined) continue;
    if (!(Number.isSafeInteger(value) && value > 0))
      throw new NetrunError(`${name} ${value} is not a positive integer`);
    process.env[VARIABLES[name]] = String(value);
  }
}

/** A number of bytes from a text such as `512M` or `4GiB` (powers of 1024). Throws NetrunError naming `what` for anything else. */
export function parseBytes(text: string, what: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim()) ?? [];
  const bytes = Math.floor(Number(number) * UNITS[(unit ?? "").toLowerCase()]!);
  if (number !== undefined && bytes > 0 && Number.isSafeInteger(bytes)) return bytes;
  throw new NetrunError(`${what} ${JSON.stringify(text)} is not a size`, { notes: ["write 500M or 4G, for example"] });
}

/** Bytes that a file may make its reader allocate beyond its own size. */
export function maxAlloc(): number {
  const text = process.env[VARIABLES.maxAlloc];
  return text === undefined ? DEFAULTS.maxAlloc : parseBytes(text, VARIABLES.maxAlloc);
}

/** Milliseconds that a reader may take for one answer out of a file of so many bytes. */
export function readTimeoutMs(bytes: number): number {
  const text = process.env[VARIABLES.readTimeoutMs];
  if (text === undefined) return Math.min(DEFAULTS.readTimeoutMs, SMALL_MS + (MIB_MS * bytes) / 2 ** 20);
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new NetrunError(`${VARIABLES.readTimeoutMs} ${JSON.stringify(text)} is not a number of milliseconds`);
}

/** Throws a NetrunError where what a file declares takes more bytes than `limit`, by default all that a file may ask for. */
export function checkAlloc(bytes: number, what: string, file?: string, limit: number = maxAlloc()): void {
  if (bytes <= limit) return;
  throw overBudget(`${what} would take ${sizeText(bytes)}, and the limit is ${sizeText(limit)}`, file);
}

/**
 * Counts what a reader keeps of a file, in bytes, piece by piece. What it gives throws a NetrunError as `checkAlloc` does, once it is
 * too much; `what` then names so many pieces.
 */
export function allocCounter(what: (pieces: number) => string, file: string): (bytes: number) => void {
  const limit = maxAlloc();
  let [sum, pieces] = [0, 0];
  return (bytes) => {
    sum += bytes;
    pieces++;
    if (sum > limit) checkAlloc(sum, what(pieces), file, limit);
  };
}

/** The error about a file that would take more than it may, with what can be done. */
export function overBudget(message: string, file?: string): NetrunError {
  return new NetrunError(message, {
    file,
    notes: [
      "the file is damaged or made to fill memory; if it is neither, raise the limit: --max-alloc SIZE, now 1G unless set",
    ],
  });
}

/** Memory of this machine, or what this process is held to, in bytes. */
export function memoryLimit(): number {
  const constrained = process.constrainedMemory?.() ?? 0;
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}

/** Bytes in the unit that suits them. */
export function sizeText(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  return `${power === 0 ? bytes : (bytes / 1024 ** power).toFixed(1)} ${units[power]}`;
}
