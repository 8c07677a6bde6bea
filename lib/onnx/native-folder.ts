import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** The folder of onnxruntime's native libraries, where those of its providers are looked for. */
export function nativeFolder(): string {
  const main = createRequire(import.meta.url).resolve("onnxruntime-node");
  return join(dirname(main), "..", "bin", "napi-v6", process.platform, process.arch);
}
