import { readFileSync } from "node:fs";
import { layerTypes } from "../../lib/layers/index.js";

/** Layer types in a prototxt that netrun does not have yet: cases that use them wait. */
export function missingTypes(path: string): readonly string[] {
  const types = [...readFileSync(path, "utf8").matchAll(/\btype:\s*"([A-Z]\w+)"/g)].map(([, type]) => type!);
  return types.filter((type) => !Object.hasOwn(layerTypes, type));
}
