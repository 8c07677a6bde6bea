import type { Elements, Value } from "../../lib/graph/index.js";
import { buildSession } from "../../lib/onnx/build.js";

/** Emits and runs a graph once; outputs by the names given. */
export async function runGraph<K extends string>(
  outputs: Readonly<Record<K, Value>>,
  feeds: Readonly<Record<string, Elements>> = {},
): Promise<Readonly<Record<K, Float32Array>>> {
  const session = await buildSession({ name: "test", outputs: new Map(Object.entries<Value>(outputs)) });
  try {
    return (await session.run(feeds, Object.keys(outputs))) as Record<K, Float32Array>;
  } finally {
    await session[Symbol.asyncDispose]();
  }
}
