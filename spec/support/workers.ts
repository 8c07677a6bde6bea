import { readdirSync, readFileSync } from "node:fs";

/** The processes of a pool's workers, which this process has started, in the order of their replicas. */
export const poolWorkers = (): readonly number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
        return parent === process.pid && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("process-worker");
      } catch {
        return false;
      }
    })
    .sort((a, b) => a - b);
