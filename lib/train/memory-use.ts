import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { workerProcesses } from "../engine/hosts/process-host.js";
import type { MemoryEvent } from "./events.js";

/** Time between two measurements: a training's memory changes little after its first iterations. */
const INTERVAL_MS = 10_000;

/** Time for a program that tells sizes: one that hangs keeps no training from its end. */
const PATIENCE_MS = 5_000;

const execute = promisify(execFile);

/** The output of a program. */
async function printed(program: string, args: readonly string[], patienceMs: number): Promise<string> {
  return (await execute(program, args, { timeout: patienceMs, killSignal: "SIGKILL" })).stdout;
}

/** Measures the memory that a training takes now and then, beside it: nobody waits for an answer. */
export class MemoryWatch {
  readonly #isCuda: boolean;
  readonly #patienceMs: number;
  #dueMs = 0;
  #measuring: Promise<void> | undefined;
  #found: Omit<MemoryEvent, "kind" | "iteration"> | undefined;

  /** `provider` is that of its sessions; programs that tell sizes are killed after `patienceMs`. */
  constructor(provider: string | undefined, patienceMs = PATIENCE_MS) {
    this.#isCuda = provider === "cuda";
    this.#patienceMs = patienceMs;
  }

  /** The event of a measurement that is done, and begins another one where it is time. */
  *events(iteration: number): Generator<MemoryEvent> {
    const found = this.#found;
    this.#found = undefined;
    if (found) yield { kind: "memory", iteration, ...found };
    if (this.#measuring || performance.now() < this.#dueMs) return;
    this.#dueMs = performance.now() + INTERVAL_MS;
    this.#measuring = this.#measure();
  }

  /** The last event, of a measurement that is not done when the training is. */
  async *finish(iteration: number): AsyncGenerator<MemoryEvent> {
    this.#dueMs = Number.POSITIVE_INFINITY;
    await this.#measuring;
    yield* this.events(iteration);
  }

  async #measure(): Promise<void> {
    const pids = workerProcesses();
    const sizes = await Promise.all(pids.map((pid) => residentBytes(pid, this.#patienceMs)));
    const known = sizes.filter((size) => size !== undefined);
    const resident = known.reduce((sum, size) => sum + size, process.memoryUsage.rss());
    const device = this.#isCuda ? await deviceBytes([process.pid, ...pids], this.#patienceMs) : undefined;
    this.#found = { resident, processes: known.length + 1, ...(device !== undefined && { device }) };
    this.#measuring = undefined;
  }
}

/** Resident size of another process in bytes; undefined where it is gone or this system does not say. */
async function residentBytes(pid: number, patienceMs: number): Promise<number | undefined> {
  try {
    const kibibytes =
      process.platform === "linux"
        ? /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]
        : (await printed("ps", ["-o", "rss=", "-p", String(pid)], patienceMs)).trim();
    return kibibytes ? Number(kibibytes) * 1024 : undefined;
  } catch {
    return undefined;
  }
}

/** Bytes that processes have on NVIDIA's GPUs, as its own program tells; undefined where it does not. */
async function deviceBytes(pids: readonly number[], patienceMs: number): Promise<number | undefined> {
  try {
    const query = ["--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits"];
    const rows = (await printed("nvidia-smi", query, patienceMs))
      .split("\n")
      .map((line) => line.split(",").map(Number));
    const own = rows.filter(([pid, mebibytes]) => pids.includes(pid!) && Number.isFinite(mebibytes));
    return own.length > 0 ? own.reduce((sum, [, mebibytes]) => sum + mebibytes! * 2 ** 20, 0) : undefined;
  } catch {
    return undefined;
  }
}
