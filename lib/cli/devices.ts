import { availableParallelism, cpus, totalmem } from "node:os";
import { constant } from "../graph/index.js";
import { buildSession } from "../onnx/build.js";
import type { Provider } from "../onnx/session.js";
import { add } from "../ops/index.js";

const PROVIDERS = ["cpu", "cuda", "webgpu"] as const satisfies readonly Provider[];

/** Lists what nets can run on here. */
export async function run(): Promise<void> {
  const [cpu] = cpus();
  console.log(`cpu       ${cpu?.model.trim() ?? "unknown"}, ${availableParallelism()} threads`);
  console.log(`memory    ${(totalmem() / 2 ** 30).toFixed(1)} GiB`);
  for (const provider of PROVIDERS) console.log(`${provider.padEnd(9)} ${await tryProvider(provider)}`);
}

/** Runs one addition on a provider; whether that works, or why not. */
async function tryProvider(provider: Provider): Promise<string> {
  try {
    const sum = add(constant(1, [2]), constant(2, [2]));
    await using session = await buildSession({ name: "probe", outputs: new Map([["sum", sum]]) }, { provider });
    const { sum: values } = await session.run({}, ["sum"]);
    return values?.[0] === 3 ? "works" : "gives wrong results";
  } catch (error) {
    return `not here: ${(error as Error).message.split("\n")[0]}`;
  }
}
