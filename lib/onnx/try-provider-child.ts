import { writeSync } from "node:fs";
import { constant } from "../graph/index.js";
import { add } from "../ops/index.js";
import type { Provider } from "./device.js";
import { loadCudaLibraries, whyNotLoaded } from "./cuda/libraries.js";
import { emit } from "./emit.js";
import { executionProvider } from "./execution-provider.js";
import { nativeFolder } from "./native-folder.js";
import { onnxruntime } from "./onnxruntime.js";

// Runs one addition on a provider's device. Exits with 0 and what came of it on stdout, or with 1 and why the provider does not start.
// After a line break, since native libraries write to stdout as well.
try {
  const [, , provider, device] = process.argv;
  const sum = add(constant(1, [2]), constant(2, [2]));
  const { bytes } = emit({ name: "probe", outputs: new Map([["sum", sum]]) });
  const { InferenceSession } = await onnxruntime();
  if (provider === "cuda") loadCudaLibraries(nativeFolder());
  const session = await InferenceSession.create(bytes, {
    executionProviders: [executionProvider(provider as Provider, Number(device))],
    logSeverityLevel: 4,
  });
  const { sum: result } = await session.run({});
  writeSync(1, result?.data[0] === 3 ? "\nworks" : "\ngives wrong results");
  process.exit(0);
} catch (error) {
  const { message } = error as Error;
  // A failed check of onnxruntime's begins with its place in C++ and the condition; one of CUDA is in the midst of such.
  const [failed] = /CUDA failure \d+: [^;]*[^; ]/.exec(message) ?? [];
  const [line] = (failed ?? message).replace(/\/onnxruntime_src\/.* was false\. /, "").split("\n");
  const why =
    process.argv[2] === "cuda" && /load shared library/.test(line!) ? whyNotLoaded(nativeFolder()) : undefined;
  writeSync(1, `\n${why ?? line}`);
  process.exit(1);
}
