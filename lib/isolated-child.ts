import { writeSync } from "node:fs";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { maxAlloc } from "./budget.js";
import { NetrunError } from "./error.js";
import { type Failure, READY, type Reply } from "./isolated.js";

/** Interval of looking at a reader's memory. */
const WATCH_MS = 50;

/**
 * Answers the requests of an `Isolated` in the process that it started, one after another. A thread beside it, which runs
 * whatever this one does, ends the process when it takes more memory than allowed, or when the one that asks is gone.
 */
export function serveIsolated(answer: (request: unknown) => Promise<unknown>): void {
  const watch = new Worker(new URL(import.meta.url), {
    workerData: { parent: process.ppid, limit: process.memoryUsage.rss() + maxAlloc() + 2 ** 28 },
    execArgv: [],
  });
  watch.unref();
  process.on("disconnect", () => process.exit());
  process.on("message", async (request) => {
    let reply: Reply;
    try {
      reply = { value: await answer(request) };
    } catch (error) {
      reply = { failure: failureOf(error) };
    }
    process.send!(reply);
  });
  // Damaged input may leave rejections behind that nobody waits for.
  process.on("unhandledRejection", (reason) => process.send!({ failure: failureOf(reason) } satisfies Reply));
  process.send!(READY);
}

function failureOf(error: unknown): Failure {
  if (!(error instanceof NetrunError)) return { message: String(error), isForeign: true };
  const { message, file, notes } = error;
  return { message, file, notes };
}

if (!isMainThread && (workerData as { parent?: number } | null)?.parent !== undefined) {
  const { parent, limit } = workerData as { readonly parent: number; readonly limit: number };
  setInterval(() => {
    if (process.memoryUsage.rss() > limit) {
      writeSync(2, "it takes more memory than the limit, which --max-alloc raises\n");
      process.kill(process.pid, "SIGKILL");
    }
    if (process.ppid !== parent) process.kill(process.pid, "SIGKILL");
  }, WATCH_MS);
}
