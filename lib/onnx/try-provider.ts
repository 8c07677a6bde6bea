import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Provider } from "./device.js";

const CHILD = fileURLToPath(new URL("try-provider-child.js", import.meta.url));

/** A driver that hangs must not hang the run; the first use of a GPU takes seconds. */
const TIMEOUT_MS = 60_000;

/** Result of one addition on an execution provider, or, in onnxruntime's words, why it does not start here. */
export type ProviderTrial = { readonly result: "works" | "gives wrong results" } | { readonly missing: string };

const trials = new Map<string, Promise<ProviderTrial>>();

/**
 * Tries an execution provider on a device, by number, in a child process, once: native libraries write their own reasons to stderr, and
 * some end the process.
 */
export function tryProvider(provider: Provider, device = 0): Promise<ProviderTrial> {
  const key = `${provider} ${device}`;
  let trial = trials.get(key);
  if (trial === undefined) {
    trial = tryInChild(provider, device);
    trials.set(key, trial);
  }
  return trial;
}

function tryInChild(provider: Provider, device: number): Promise<ProviderTrial> {
  return new Promise((resolve) => {
    // The child's stderr is read and dropped.
    execFile(process.execPath, [CHILD, provider, String(device)], { timeout: TIMEOUT_MS }, (error, stdout) => {
      const answer = stdout.trimEnd().split("\n").at(-1);
      if (!error && (answer === "works" || answer === "gives wrong results")) resolve({ result: answer });
      else if (error?.killed) resolve({ missing: `no answer in ${TIMEOUT_MS / 1000} s` });
      else if (error?.code === 1 && answer) resolve({ missing: answer });
      else resolve({ missing: `its process ended (${error?.signal ?? `exit status ${error?.code ?? 0}`})` });
    });
  });
}
