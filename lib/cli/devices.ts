import { execFile } from "node:child_process";
import { availableParallelism, cpus, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import type { Provider } from "../onnx/session.js";

const PROVIDERS = ["cpu", "cuda", "webgpu"] as const satisfies readonly Provider[];
const PROBE = fileURLToPath(new URL("./device-probe.js", import.meta.url));
/** A driver that hangs must not hang the list; the first use of a GPU takes seconds. */
const PROBE_TIMEOUT_MS = 60_000;

/** Lists what nets can run on here. */
export async function run(): Promise<void> {
  const [cpu] = cpus();
  console.log(`cpu       ${cpu?.model.trim() ?? "unknown"}, ${availableParallelism()} threads`);
  console.log(`memory    ${(totalmem() / 2 ** 30).toFixed(1)} GiB`);
  for (const provider of PROVIDERS) console.log(`${provider.padEnd(9)} ${await probe(provider)}`);
}

/** Tries a provider in a process of its own, whose stderr has the native libraries' own lines. */
function probe(provider: Provider): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, [PROBE, provider], { timeout: PROBE_TIMEOUT_MS }, (error, stdout) => {
      const answer = stdout.trimEnd().split("\n").at(-1);
      if (!error && answer) resolve(answer);
      else if (error?.killed) resolve(`not here: no answer in ${PROBE_TIMEOUT_MS / 1000} s`);
      else resolve(`not here: its process ended (${error?.signal ?? `exit status ${error?.code ?? 0}`})`);
    });
  });
}
