import { writeSync } from "node:fs";
import { constant } from "../graph/index.js";
import { add } from "../ops/index.js";
import type { Provider } from "./device.js";
import { emit } from "./emit.js";
import { executionProvider } from "./execution-provider.js";
import { onnxruntime } from "./onnxruntime.js";

// Runs one addition on a provider's device. Exits with 0 and what came of it on stdout, or with 1 and why the provider does not start.
// After a line break, since native libraries write to stdout as well.
try {
  const [, , provider, device] = process.argv;
  const sum = add(constant(1, [2]), constant(2, [2]));
  const { bytes } = emit({ name: "probe", outputs: new Map([["sum", sum]]) });
  const { InferenceSession } = await onnxruntime();
  const session = await InferenceSession.create(bytes, {
    executionProviders: [executionProvider(provider as Provider, Number(device))],
    logSeverityLevel: 4,
  });
  const { sum: result } = await session.run({});
  writeSync(1, result?.data[0] === 3 ? "\nworks" : "\ngives wrong results");
  process.exit(0);
} catch (error) {
  // A failed check of onnxruntime's begins with its place in C++ and the condition.
  const [line] = (error as Error).message.replace(/\/onnxruntime_src\/.* was false\. /, "").split("\n");
  writeSync(1, `\n${line}`);
  process.exit(1);
}
