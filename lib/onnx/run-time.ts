let spentMs = 0;

/** Milliseconds that this thread has spent in runs of onnxruntime so far. */
export const runTime = (): number => spentMs;

/** Runs a model, and counts the time. */
export async function counted<T>(run: () => Promise<T>): Promise<T> {
  const started = performance.now();
  try {
    return await run();
  } finally {
    spentMs += performance.now() - started;
  }
}
