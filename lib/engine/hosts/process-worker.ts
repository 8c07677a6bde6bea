import { dirname } from "node:path";
import { packError, type WireError } from "../../wire-error.js";
import type { StorePlace } from "../state-store.js";
import { deleteVectorFolder, VectorFile } from "../vector-file.js";
import { type Call, type CallName, type Calls, CHANGED } from "./host.js";
import { handle } from "./worker.js";

/** A call of a child process: its buffers, of these lengths, are in the exchange file. The answer there is what changed, then the room. */
export interface ToChild {
  readonly name: CallName;
  readonly task: Calls[CallName]["task"];
  readonly buffers: readonly number[];
  readonly room: readonly number[];
}

/** Message of a child process: that an iteration is done, or the outcome of a call. */
export type FromChild = "iteration" | { readonly result: unknown } | { readonly error: WireError };

const path = process.argv[2]!;
const exchange = new VectorFile(path, false);
/** The same memory in every round: a net's worth of new pages each time costs more than reading the file. */
const kept: Float32Array[] = [];
/** The folder that its states are kept in. */
let states: string | undefined;
const send = (message: FromChild) => process.send!(message);

process.on("message", async (message) => {
  const { name, task, ...lengths } = message as ToChild;
  try {
    const all = [...lengths.buffers, ...lengths.room].map(bufferOf);
    const buffers = all.slice(0, lengths.buffers.length);
    const room = all.slice(buffers.length);
    exchange.read(buffers);
    if (name === "round") noteStates((task as Call<"round">["task"]).keep);
    const result = await handle({ name, task, buffers, room }, () => send("iteration"));
    exchange.write([...buffers.slice(0, CHANGED[name]), ...room]);
    send({ result });
  } catch (error) {
    send({ error: packError(error) });
  }
});

// A terminal sends its signals to all processes of a run: what they mean is for the parent to decide.
for (const signal of ["SIGINT", "SIGHUP"] as const) process.on(signal, () => {});

const leave = () => {
  deleteVectorFolder(dirname(path));
  process.exit(0);
};
process.on("SIGTERM", leave);
// The parent is gone, perhaps without having cleaned up. Else states stay: a successor of this process reads them.
process.on("disconnect", () => {
  if (states !== undefined) deleteVectorFolder(states);
  leave();
});

/** Notes where the replica's states are kept. */
function noteStates(keep: StorePlace | undefined): void {
  if (typeof keep === "string") states = dirname(keep);
}

function bufferOf(length: number, index: number): Float32Array {
  const known = kept[index];
  if (known?.length === length) return known;
  kept[index] = new Float32Array(length);
  return kept[index];
}
