import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

const CHILD = fileURLToPath(new URL("try-provider-child.js", import.meta.url));

/** A driver that hangs must not hang the run; the first use of a GPU takes seconds. */
const TIMEOUT_MS = 60_000;

const tried = new Map<string, Promise<string | undefined>>();

/**
 * Why an execution provider does not start here, in onnxruntime's words; undefined where it does. It is tried in a child process,
 * once: native libraries write their own reasons to stderr, and some end the process.
 */
export function whyMissing(provider: string): Promise<string | undefined> {
  let reason = tried.get(provider);
  if (reason === undefined) {
    reason = tryInChild(provider);
    tried.set(provider, reason);
  }
  return reason;
}

function tryInChild(provider: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    // The child's stderr is read and dropped.
    execFile(process.execPath, [CHILD, provider], { timeout: TIMEOUT_MS }, (error, stdout) => {
      if (!error) resolve(undefined);
      else resolve(stdout === "" ? `its library ended with ${error.signal ?? `exit status ${error.code}`}` : stdout);
    });
  });
}
