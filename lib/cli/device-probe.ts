import { constant } from "../graph/index.js";
import { buildSession } from "../onnx/build.js";
import type { Provider } from "../onnx/session.js";
import { add } from "../ops/index.js";

// Run as a process of its own by devices.ts: what native code prints or breaks stays in it. The answer is the last line of stdout.
process.stdout.write(`\n${await tryProvider(process.argv[2] as Provider)}\n`);

/** Runs one addition on a provider; whether that works, or why not. */
async function tryProvider(provider: Provider): Promise<string> {
  try {
    const sum = add(constant(1, [2]), constant(2, [2]));
    await using session = await buildSession({ name: "probe", outputs: new Map([["sum", sum]]) }, { provider });
    const { sum: values } = await session.run({}, ["sum"]);
    return values?.[0] === 3 ? "works" : "gives wrong results";
  } catch (error) {
    // A failed check of onnxruntime's begins with its place in C++ and the condition.
    const [line] = (error as Error).message.replace(/\/onnxruntime_src\/.* was false\. /, "").split("\n");
    return `not here: ${line}`;
  }
}
