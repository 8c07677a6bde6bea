import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { memoryFolder } from "../../lib/scratch.js";
import { type FuzzResult, fuzzReader } from "../support/fuzz/farm.js";
import { READERS } from "../support/fuzz/readers.js";

/** Rerun one case with FUZZ_READER=its reader FUZZ_SEED=its seed FUZZ_CASES=1. */
const CASES = Number(process.env["FUZZ_CASES"] ?? 5000);
const SEED = Number(process.env["FUZZ_SEED"] ?? 20260000);
const CHOSEN = READERS.filter(({ name }) => name.includes(process.env["FUZZ_READER"] ?? ""));
const LIMIT_MS = 10_000;
/** Limits of a file here; and what reading it may add to resident memory, the heap and the code that it needs with it. */
const MAX_ALLOC = 64 * 2 ** 20;
const MAX_GROWTH = 1.5 * MAX_ALLOC;
/** Damaged pages may keep a library in a process of its own busy, until that limit. */
const READ_TIMEOUT_MS = 1000;
/** After which no further file of a reader is tried: the slowest needs about 50 s for all of theirs on two quiet cores. */
const BUDGET_MS = Number(process.env["FUZZ_MS"] ?? 60_000);
const ALL_MS = 30 * 60_000;

describe(`up to ${CASES} damaged files of each reader`, function () {
  this.timeout(ALL_MS);
  let folder = "";
  const results = new Map(CHOSEN.map(({ name }) => [name, deferred<FuzzResult>()]));
  before(() => {
    folder = mkdtempSync(join(memoryFolder(), "netrun-fuzz-"));
    const waiting = [...CHOSEN.entries()];
    const lane = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const [i, { name }] = next;
        const { resolve, reject } = results.get(name)!;
        await fuzzReader(name, {
          folder: join(folder, String(i)),
          first: SEED,
          count: CASES,
          budgetMs: BUDGET_MS,
          maxGrowth: MAX_GROWTH,
          limitMs: LIMIT_MS,
          env: { NETRUN_MAX_ALLOC: String(MAX_ALLOC), NETRUN_READ_TIMEOUT_MS: String(READ_TIMEOUT_MS) },
        }).then(resolve, reject);
      }
    };
    for (let i = 0; i < Math.min(4, availableParallelism()); i++) void lane();
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const { name } of CHOSEN)
    it(name, async () => {
      const { failures, cases, read, growth, seconds } = await results.get(name)!.promise;
      const memory = growth === 0 ? "" : `, ${(growth / 2 ** 20).toFixed(0)} MiB at most`;
      const what = `${read} read, ${cases - read} refused in ${seconds.toFixed(1)} s${memory}`;
      console.log(`        seeds ${SEED} to ${SEED + cases - 1}: ${what}`);
      if (failures.length > 0) throw new Error(failures.join("\n"));
    });
});

/** A promise and what settles it. */
function deferred<T>() {
  let [resolve, reject]: [(value: T) => void, (reason: unknown) => void] = [() => {}, () => {}];
  const promise = new Promise<T>((...both) => {
    [resolve, reject] = both;
  });
  // Whoever waits for it later is told.
  promise.catch(() => {});
  return { promise, resolve, reject };
}
