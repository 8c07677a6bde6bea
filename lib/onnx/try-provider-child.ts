import { writeSync } from "node:fs";
import { constant } from "../graph/index.js";
import { add } from "../ops/index.js";
import { emit } from "./emit.js";
import { onnxruntime } from "./onnxruntime.js";

// Opens a session on one addition. Exits with 1 and the reason on stdout if the provider does not start.
try {
  const sum = add(constant(1, [2]), constant(2, [2]));
  const { bytes } = emit({ name: "probe", outputs: new Map([["sum", sum]]) });
  const { InferenceSession } = await onnxruntime();
  await InferenceSession.create(bytes, { executionProviders: [process.argv[2]!], logSeverityLevel: 4 });
  process.exit(0);
} catch (error) {
  writeSync(1, (error as Error).message);
  process.exit(1);
}
