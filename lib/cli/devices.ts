import { availableParallelism, cpus, totalmem } from "node:os";
import type { Provider } from "../onnx/device.js";
import { tryProvider } from "../onnx/try-provider.js";

const PROVIDERS = ["cpu", "cuda", "webgpu"] as const satisfies readonly Provider[];

/** Lists what nets can run on here. */
export async function run(): Promise<void> {
  const [cpu] = cpus();
  console.log(`cpu       ${cpu?.model.trim() ?? "unknown"}, ${availableParallelism()} threads`);
  console.log(`memory    ${(totalmem() / 2 ** 30).toFixed(1)} GiB`);
  for (const provider of PROVIDERS) {
    const trial = await tryProvider(provider);
    console.log(`${provider.padEnd(9)} ${"result" in trial ? trial.result : `not here: ${trial.missing}`}`);
  }
}
