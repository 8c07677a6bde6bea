import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { cacheFolder } from "../data/cache.js";
import { writeWhole } from "../file.js";
import type { NetPlan } from "./plan.js";
import type { ThreadChoice } from "./thread-trials.js";

/** Choices that are kept: the oldest go first. */
const MOST = 500;

/** Choices by net and machine, oldest first; null threads are onnxruntime's choice. */
const choices = v.record(v.string(), v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1024))));
type Choices = v.InferOutput<typeof choices>;

const file = (): string => join(cacheFolder(), "threads.json");

/** Choices so far; empty where they cannot be read, since measuring again costs but some steps. */
function read(): Choices {
  try {
    return v.parse(choices, JSON.parse(readFileSync(file(), "utf8")));
  } catch {
    return {};
  }
}

/** Key that tells a net and its batches on this machine from others. */
function keyOf({ net, shapes, feeds }: NetPlan): string {
  const machine = [cpus()[0]?.model ?? "", availableParallelism()];
  const batches = feeds.map(({ batchSize }) => batchSize);
  return createHash("sha256")
    .update(JSON.stringify([machine, shapes, batches]))
    .update(net)
    .digest("hex");
}

/** Earlier choice for a net on this machine; undefined where nothing was. */
export function chosenBefore(plan: NetPlan): ThreadChoice | undefined {
  const threads = read()[keyOf(plan)];
  return threads === undefined ? undefined : { threads: threads ?? undefined, tried: [] };
}

/** Keeps a choice for the next training of the net on this machine, where the cache folder can be written. */
export async function keepChoice(plan: NetPlan, { threads }: ThreadChoice): Promise<void> {
  const key = keyOf(plan);
  const others = Object.entries(read()).filter(([each]) => each !== key);
  const kept = Object.fromEntries([...others.slice(1 - MOST), [key, threads ?? null]]);
  try {
    mkdirSync(cacheFolder(), { recursive: true });
    await writeWhole(file(), JSON.stringify(kept));
  } catch {
    // The same: it is measured again.
  }
}
