import { parentPort, workerData } from "node:worker_threads";
import { packError, type WireError } from "../wire-error.js";
import { type Checkpoint, writeCheckpoint } from "./write-checkpoint.js";

// Writes the checkpoint that it is started with, and answers with what went wrong, or undefined.
let failure: WireError | undefined;
try {
  await writeCheckpoint(workerData as Checkpoint);
} catch (error) {
  failure = packError(error);
}
parentPort!.postMessage(failure);
