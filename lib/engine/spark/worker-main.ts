import { rmSync, writeSync } from "node:fs";
import { deserialize, serialize } from "node:v8";
import { packError } from "../../wire-error.js";
import { type Call, type CallName, CHANGED } from "../hosts/host.js";
import { handle } from "../hosts/worker.js";
import { VectorFile } from "../vector-file.js";
import { withLocalData } from "./data.js";
import { packFrame, readFrames } from "./frames.js";
import type { WorkerHead } from "./messages.js";

/** The worker of an executor: one replica, the same as in a thread or process, called by messages on its standard input. */

/** Answers go here: whatever prints to the standard output must not get among them. */
const ANSWERS = 3;

const [, , scratch = "", folder = ""] = process.argv;

function send(kind: "iteration" | "result" | "error", head: object = {}, bodies: readonly Uint8Array[] = []): void {
  const bytes = packFrame({ head: { kind, ...head }, bodies });
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(ANSWERS, bytes, done);
  } catch {
    // Nobody reads it any more: the executor died within a call.
    leave();
  }
}

/** Ends the worker of an executor that is gone, perhaps without having cleaned up. */
function leave(): never {
  for (const path of [folder, scratch]) rmSync(path, { recursive: true, force: true });
  process.exit(0);
}

/** The same memory in every round. */
const kept: Float32Array[] = [];

function bufferOf(length: number, index: number): Float32Array {
  const known = kept[index];
  if (known?.length === length) return known;
  kept[index] = new Float32Array(length);
  return kept[index];
}

/** The file of what comes back. */
let results: VectorFile | undefined;

function readVectors(path: string | undefined, into: readonly Float32Array[]): void {
  if (path === undefined) return;
  const file = new VectorFile(path, false);
  file.read(into);
  file.close();
}

async function call({ name, out, commonPath, ownPath, store, keep, data, ...lengths }: WorkerHead, body: Uint8Array) {
  const all = [...lengths.buffers, ...lengths.room].map(bufferOf);
  const buffers = all.slice(0, lengths.buffers.length);
  const room = all.slice(buffers.length);
  readVectors(commonPath, buffers.slice(0, lengths.common));
  readVectors(ownPath, buffers.slice(lengths.common));
  const task = {
    ...withLocalData(deserialize(body), data),
    ...(store !== undefined && { store }),
    ...(keep !== undefined && { keep }),
  };
  const result = await handle({ name: name as CallName, task: task as Call["task"], buffers, room }, () =>
    send("iteration"),
  );
  const back = [...buffers.slice(0, CHANGED[name as CallName]), ...room];
  if (back.length > 0) {
    // Its pages are there from the second round on.
    results ??= new VectorFile(out, true);
    results.write(back);
  }
  return { result, bytes: back.reduce((sum, { byteLength }) => sum + byteLength, 0) };
}

// A terminal sends its signals to all processes of a run: what they mean is for the driver to decide.
for (const signal of ["SIGINT", "SIGHUP"] as const) process.on(signal, () => {});

for await (const { head, bodies } of readFrames(process.stdin)) {
  try {
    const { result, bytes } = await call(head as unknown as WorkerHead, bodies[0]!);
    send("result", { bytes }, [serialize(result)]);
  } catch (error) {
    send("error", {}, [serialize(packError(error))]);
  }
}
leave();
