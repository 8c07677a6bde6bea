import { fork } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { FuzzJob, FuzzReply } from "./worker.js";

/** Outcome of a reader's cases. */
export interface FuzzResult {
  readonly failures: readonly string[];
  readonly cases: number;
  readonly read: number;
  readonly growth: number;
  readonly seconds: number;
}

/** Settings of fuzzing a reader. */
export interface FuzzOptions {
  readonly folder: string;
  readonly first: number;
  readonly count: number;
  /** Milliseconds after which no further file is tried. */
  readonly budgetMs: number;
  readonly maxGrowth: number;
  /** Milliseconds that a file may take. */
  readonly limitMs: number;
  readonly env: Readonly<Record<string, string>>;
}

const LOOK_MS = 250;
/** Loading the reader and making its files. */
const START_MS = 60_000;
const FAILURES = 5;

/**
 * Runs damaged files of a reader in processes of their own: where one ends or hangs, the seed is a failure and another process goes
 * on after it. A file that took too long is tried once more alone, since the machine may have been busy.
 */
export async function fuzzReader(reader: string, options: FuzzOptions): Promise<FuzzResult> {
  const start = performance.now();
  const failures: string[] = [];
  let [read, growth, cases] = [0, 0, 0];
  const end = options.first + options.count;
  for (let first = options.first; first < end && failures.length < FAILURES; ) {
    const left = Math.max(0, options.budgetMs - (performance.now() - start));
    const reply = await runChild(reader, first, end - first, { ...options, budgetMs: left });
    if (typeof reply !== "string") {
      failures.push(...reply.failures);
      read += reply.read;
      growth = Math.max(growth, reply.growth);
      cases = first - options.first + reply.cases;
      break;
    }
    const seed = seedOf(options.folder);
    if (seed === undefined) {
      failures.push(`before the first file: ${reply}`);
      break;
    }
    const again = await runChild(reader, seed, 1, { ...options, budgetMs: Number.POSITIVE_INFINITY });
    if (typeof again === "string") failures.push(`seed ${seed}: ${again}`);
    else failures.push(...again.failures);
    first = seed + 1;
    cases = first - options.first;
  }
  rmSync(options.folder, { recursive: true, force: true });
  return { failures, cases, read, growth, seconds: (performance.now() - start) / 1000 };
}

/** Runs a process over some seeds; a text where it ended without a reply. */
function runChild(reader: string, first: number, count: number, options: FuzzOptions): Promise<FuzzReply | string> {
  const { folder, budgetMs, maxGrowth, limitMs, env } = options;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const child = fork(new URL("./worker.js", import.meta.url), [], {
    execArgv: ["--expose-gc"],
    env: { ...process.env, ...env, NETRUN_CACHE: join(folder, "cache") },
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let said = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-4096);
  });
  return new Promise((resolve) => {
    let reply: FuzzReply | string | undefined;
    let [seed, since] = [seedOf(folder), performance.now()];
    const timer = setInterval(() => {
      const now = seedOf(folder);
      if (now !== seed) [seed, since] = [now, performance.now()];
      if (performance.now() - since < (seed === undefined ? START_MS : limitMs)) return;
      reply ??= `does not end within ${limitMs / 1000} s`;
      child.kill("SIGKILL");
    }, LOOK_MS);
    child.on("message", (message: FuzzReply) => {
      reply = message;
    });
    child.on("close", (code, signal) => {
      clearInterval(timer);
      resolve(reply ?? `the process ends (${signal ?? `exit status ${code}`}): ${said}`);
    });
    child.send({
      reader,
      first,
      count,
      budgetMs: Math.min(budgetMs, Number.MAX_SAFE_INTEGER),
      folder,
      maxGrowth,
    } satisfies FuzzJob);
  });
}

/** The seed that a process runs; undefined before its first. */
function seedOf(folder: string): number | undefined {
  try {
    const bytes = readFileSync(join(folder, "seed"));
    return bytes.length < 8 ? undefined : bytes.readDoubleLE(0);
  } catch {
    return undefined;
  }
}
