// Before any thread or process is started that will run models.
import "./telemetry.js";

/**
 * Flag by which a thread says that it is inside onnxruntime, and hears that it is to end: a process dies with a thread that is ended
 * there, since what comes back finds no JavaScript any more. Set in threads that others may end; see `shareNative`.
 */
let shared: Int32Array | undefined;

const STOP = 0;
const INSIDE = 1;

/** Two integers that a thread and the one that may end it have in common. */
export function newNativeState(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(8));
}

/** Has this thread tell in `state` when it is inside onnxruntime. It counts as inside until `leaveNative`: it is still loading. */
export function shareNative(state: Int32Array): void {
  shared = state;
  Atomics.store(state, INSIDE, 1);
}

/** This thread has loaded what it runs. */
export function leaveNative(): void {
  if (shared) Atomics.store(shared, INSIDE, 0);
}

/** Calls onnxruntime. Throws, without calling it, where the thread is to end. */
export async function native<T>(call: () => Promise<T>): Promise<T> {
  if (!shared) return call();
  Atomics.add(shared, INSIDE, 1);
  try {
    // After the store above: whoever stops this thread sees it inside, or it sees that it is stopped.
    if (Atomics.load(shared, STOP) !== 0) throw new Error("the thread is ending");
    return await call();
  } finally {
    Atomics.sub(shared, INSIDE, 1);
  }
}

/** Keeps a thread out of onnxruntime from now on. */
export function stopNative(state: Int32Array): void {
  Atomics.store(state, STOP, 1);
}

/** Tests whether a thread is inside onnxruntime; a stopped one that is not may be ended. */
export function isInNative(state: Int32Array): boolean {
  return Atomics.load(state, INSIDE) !== 0;
}
