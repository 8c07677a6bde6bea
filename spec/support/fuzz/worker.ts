import { mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { NetrunError } from "../../../lib/error.js";
import { keepAfterFailures } from "../../../lib/isolated.js";
import type { Damage, FuzzCase } from "./reader.js";
import { READERS } from "./readers.js";
import { mutateStructure } from "./structure.js";

// The process that runs damaged files of one reader: `farm.ts` starts it, and knows which file it was if it ends or hangs.

/** The cases of one reader that a process runs. */
export interface FuzzJob {
  readonly reader: string;
  readonly first: number;
  readonly count: number;
  /** Milliseconds after which no further file is tried. */
  readonly budgetMs: number;
  /** A folder of its own, and in it the file whose first eight bytes are the seed that runs. */
  readonly folder: string;
  /** Bytes that reading a file may add to resident memory. */
  readonly maxGrowth: number;
}

/** Report of a process on its cases at the end. */
export interface FuzzReply {
  readonly failures: readonly string[];
  /** Files that were tried. */
  readonly cases: number;
  /** Files that were read without an error. */
  readonly read: number;
  /** Bytes that a file added to resident memory, at most. */
  readonly growth: number;
}

/** Files between cleanings of what readers keep. */
const CLEAN_EVERY = 500;
const FAILURES = 5;

process.once("message", async (job: FuzzJob) => {
  process.send!(await run(job));
  process.disconnect();
});

async function run({ reader, first, count, budgetMs, folder, maxGrowth }: FuzzJob): Promise<FuzzReply> {
  const { open, cpuLimitMs } = READERS.find(({ name }) => name === reader)!;
  // One child for each of thousands of damaged files would take most of the time.
  keepAfterFailures(Number.POSITIVE_INFINITY);
  const files = join(folder, "files");
  mkdirSync(files, { recursive: true });
  const fuzzed = await open(files);
  const progress = openSync(join(folder, "seed"), "w");
  const seedBytes = new Float64Array(1);
  for (const [i, whole] of fuzzed.wholes.entries()) await fuzzed.read(whole, i);
  const failures: string[] = [];
  let [read, growth] = [0, 0];
  let base = cleared();
  const end = performance.now() + budgetMs;
  let seed = first;
  for (; seed < first + count && failures.length < FAILURES && performance.now() < end; seed++) {
    seedBytes[0] = seed;
    writeSync(progress, seedBytes, 0, 8, 0);
    let outcome = await tried(fuzzed, seed, cpuLimitMs);
    // Garbage of the files before counts too: from an empty heap the same file has to stay within the limit.
    if (outcome.peak - base > maxGrowth) {
      base = cleared();
      outcome = await tried(fuzzed, seed, cpuLimitMs);
      if (outcome.peak - base > maxGrowth)
        failures.push(`seed ${seed}: resident memory grows by ${outcome.peak - base} bytes`);
      growth = Math.max(growth, outcome.peak - base);
      base = cleared();
    }
    if (outcome.failure !== undefined) failures.push(`seed ${seed}: ${outcome.failure}`);
    else if (outcome.isRead) read++;
    if (seed % CLEAN_EVERY === 0) rmSync(process.env["NETRUN_CACHE"]!, { recursive: true, force: true });
  }
  return { failures, cases: seed - first, read, growth };
}

interface Outcome {
  readonly failure?: string | undefined;
  readonly isRead: boolean;
  /** The most resident memory so far, in bytes. */
  readonly peak: number;
}

async function tried(
  { wholes, damages = [mutateStructure], read }: FuzzCase,
  seed: number,
  cpuLimitMs = Infinity,
): Promise<Outcome> {
  const whole = wholes[seed % wholes.length]!;
  const damage: Damage = damages[Math.floor(seed / wholes.length) % damages.length]!;
  const bytes = damage(whole, seed);
  const before = cpuLimitMs < Infinity ? process.cpuUsage() : undefined;
  let failure: string | undefined;
  let isRead = false;
  try {
    await read(bytes, seed);
    isRead = true;
  } catch (error) {
    if (error instanceof NetrunError) error.format();
    else failure = `throws what is no NetrunError: ${(error as Error)?.stack ?? error}`;
  }
  if (before) {
    const { user, system } = process.cpuUsage(before);
    const ms = (user + system) / 1000;
    if (ms > cpuLimitMs) failure ??= `takes ${ms} ms of the processor`;
  }
  return { failure, isRead, peak: peakMemory() };
}

/** Resident memory after collecting garbage, from which the peak is counted anew. */
function cleared(): number {
  (globalThis as { gc?: () => void }).gc!();
  writeFileSync("/proc/self/clear_refs", "5");
  return peakMemory();
}

function peakMemory(): number {
  return 1024 * Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "latin1"))![1]);
}
