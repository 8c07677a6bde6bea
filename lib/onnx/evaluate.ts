import type { Elements, Value } from "../graph/index.js";
import { buildSession } from "./build.js";

/** The elements of values that depend on constants alone, computed by onnxruntime. */
export async function evaluate(values: readonly Value[]): Promise<readonly Elements[]> {
  const outputs = new Map(values.map((value, i) => [`v${i}`, value]));
  await using session = await buildSession({ name: "constants", outputs }, { optimise: false });
  const results = await session.run({}, [...outputs.keys()]);
  return [...outputs.keys()].map((name) => results[name]!.slice());
}
