import { readdirSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";

const DAY_MS = 24 * 3600 * 1000;

/** Limits of the cache folder: kinds of files and their age. */
export interface SpoolLimits {
  /** Days after its last use that a file is kept. */
  readonly days: number;
  /** Bytes of all files, from which on those go first that were used longest ago. */
  readonly bytes: number;
}

const LIMITS: SpoolLimits = { days: 30, bytes: 20 * 2 ** 30 };

/** Arrow files, notes of failed rows, and what a killed process left of either. */
const SPOOLED = /^spool-[0-9a-f]{24}\./;

/** Notes that a spooled file is used now. */
export function touch(path: string): void {
  try {
    utimesSync(path, new Date(), new Date());
  } catch {
    // A cache that another user owns can be read all the same.
  }
}

/**
 * Removes spooled files that were not used for long, or too many of them; none that was used within a day, which
 * some process may have open.
 */
export function sweepSpools(folder: string, limits: SpoolLimits = LIMITS): void {
  const now = Date.now();
  const files = readdirSync(folder)
    .filter((name) => SPOOLED.test(name))
    .flatMap((name) => {
      const stat = statSync(join(folder, name), { throwIfNoEntry: false });
      return stat ? [{ path: join(folder, name), bytes: stat.size, unusedMs: now - stat.mtimeMs }] : [];
    })
    .sort((a, b) => a.unusedMs - b.unusedMs);
  let bytes = 0;
  for (const file of files) {
    bytes += file.bytes;
    const isOld = file.unusedMs > limits.days * DAY_MS || (bytes > limits.bytes && file.unusedMs > DAY_MS);
    if (isOld) rmSync(file.path, { force: true });
  }
}
