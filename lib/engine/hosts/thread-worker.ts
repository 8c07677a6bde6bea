import "./thread-start.js";
import { move, transferableSymbol, valueSymbol } from "piscina";
import { leaveNative } from "../../onnx/native.js";
import { packError, type WireError } from "../../wire-error.js";
import type { Call, CallName, Calls } from "./host.js";
import { handle } from "./worker.js";

leaveNative();

/** A call, and the shared counter of iterations. */
export interface ThreadTask {
  readonly call: Call;
  readonly progress: Int32Array;
}

/** The outcome of a call: buffers and room are the memory that it came with. */
export type ThreadAnswer =
  | (Pick<Call, "buffers" | "room"> & { readonly result: Calls[CallName]["result"] })
  | { readonly error: WireError };

/** Entry point of the worker thread for Piscina; buffers are moved back, not copied. */
export default async function run({ call, progress }: ThreadTask): Promise<unknown> {
  let answer: ThreadAnswer;
  try {
    const result = await handle(call, () => Atomics.add(progress, 0, 1));
    answer = { result, buffers: call.buffers, room: call.room };
  } catch (error) {
    answer = { error: packError(error) };
  }
  const moved = "error" in answer ? [] : [...answer.buffers, ...answer.room].map(({ buffer }) => buffer);
  return move({ [transferableSymbol]: moved, [valueSymbol]: answer } as never);
}
