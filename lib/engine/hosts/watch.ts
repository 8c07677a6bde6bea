import type { Host } from "./host.js";

/** Limit of a host's silence. */
export interface Patience {
  /** Interval of looking. */
  readonly everyMs: number;
  /** Limit of an iteration's time now. */
  patienceMs(): number;
  /** An iteration took this long, on the mean of those since the last look. */
  onIteration(ms: number): void;
}

/** A call's outcome; where its host makes no progress for too long, the host is killed and the promise rejects. */
export async function whileAlive<T>(host: Host, call: Promise<T>, patience: Patience): Promise<T> {
  let { progress } = host;
  let since = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const hung = new Promise<never>((_, reject) => {
    timer = setInterval(() => {
      const now = performance.now();
      const done = host.progress - progress;
      if (done > 0) {
        patience.onIteration((now - since) / done);
        progress += done;
        since = now;
      }
      const allowedMs = patience.patienceMs();
      if (now - since <= allowedMs) return;
      // Not waiting for the end: a thread inside a native call ends only after it.
      reject(new Error(`hung: no iteration was done in ${(allowedMs / 1000).toPrecision(3)} s`));
      void host.kill();
    }, patience.everyMs);
  });
  call.catch(() => {});
  try {
    return await Promise.race([call, hung]);
  } finally {
    clearInterval(timer);
  }
}
