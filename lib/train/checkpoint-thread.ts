import { Worker } from "node:worker_threads";
import { unpackError, type WireError } from "../wire-error.js";
import { type Checkpoint, writeCheckpoint } from "./write-checkpoint.js";

/** Bytes from which on a checkpoint is written by a thread of its own: a smaller one is on disk before a thread has started. */
const THREAD_BYTES = 8 * 2 ** 20;

/** Tests whether a checkpoint is written by a thread of its own. */
export const isWrittenAside = ({ buffers }: Checkpoint): boolean =>
  buffers.reduce((sum, { byteLength }) => sum + byteLength, 0) >= THREAD_BYTES;

/** Writes a checkpoint, a large one in a thread of its own, to which its values move. Rejects as `writeCheckpoint`. */
export function writeCheckpointAside(checkpoint: Checkpoint): Promise<void> {
  if (!isWrittenAside(checkpoint)) return writeCheckpoint(checkpoint);
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./checkpoint-worker.js", import.meta.url), {
      workerData: checkpoint,
      transferList: [...checkpoint.buffers],
      execArgv: [],
    });
    worker.once("message", (error: WireError | undefined) => {
      if (error === undefined) resolve();
      else reject(unpackError(error));
    });
    worker.once("error", reject);
    worker.once("exit", () => reject(new Error("the thread that writes it has ended")));
  });
}
