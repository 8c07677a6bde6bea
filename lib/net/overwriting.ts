import type { Reads } from "../layers/index.js";
import type { Memory, Use } from "./memory.js";

/** By how much a layer in place leaves, or a backward needs, of a blob's values. */
const ORDER: readonly Reads[] = ["nothing", "signs", "entries", "values"];

/** Of each age of a memory: the next change that leaves less than each of ORDER, and the next age with several readers. */
interface Index {
  readonly harms: readonly Int32Array[];
  readonly branch: Int32Array;
}

/** Memories live as long as the analysis of their net. */
const indices = new WeakMap<Memory, Index>();

/**
 * The first change of a memory, from `start` on, that leaves less than a backward reads of what was there at `age`; undefined where
 * none does. Where gradients come by other ways too than the change, entries that it stops count as well.
 */
export function overwriting(memory: Memory, age: number, start: number, reads: Reads): Use | undefined {
  if (reads === "nothing" || start >= memory.changes.length) return undefined;
  const { harms, branch } = indexOf(memory);
  const alone = harms[ORDER.indexOf(reads)]![start]!;
  const branched = harms[ORDER.indexOf("values")]![Math.max(start, branch[age]!)]!;
  return memory.changes[Math.min(alone, branched)];
}

/** The index of a memory, made once: nets of thousands of layers in place on one blob take no longer than others. */
function indexOf(memory: Memory): Index {
  const known = indices.get(memory);
  if (known) return known;
  const { changes, branches } = memory;
  const end = changes.length;
  const branch = new Int32Array(end + 1).fill(end);
  for (const age of branches) branch[age] = age;
  for (let age = end - 1; age >= 0; age--) branch[age] = Math.min(branch[age]!, branch[age + 1]!);
  const harms = ORDER.map((_, needed) => {
    const next = new Int32Array(end + 1).fill(end);
    for (let i = end - 1; i >= 0; i--) {
      const { keeps = "nothing" } = changes[i]!.caffe;
      next[i] = ORDER.indexOf(keeps) < needed ? i : next[i + 1]!;
    }
    return next;
  });
  const index = { harms, branch };
  indices.set(memory, index);
  return index;
}
