import { readFileSync } from "node:fs";

/** Processor time of all processes since the machine started, in ticks of 1/100 s a processor. */
function busyTicks(): number {
  const [user, nice, system, , , irq, softirq, steal] = readFileSync("/proc/stat", "utf8")
    .split("\n")[0]!
    .split(/\s+/)
    .slice(1)
    .map(Number) as [number, number, number, number, number, number, number, number];
  return user + nice + system + irq + softirq + steal;
}

/** Processor time of a process and the children that it has waited for, in the same ticks. */
function ticksOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return [11, 12, 13, 14].reduce((sum, i) => sum + Number(fields[i]), 0);
}

/** Share of one processor that others took while `work` ran: everything but the given processes. Linux only. */
export async function others<T>(
  pids: readonly number[],
  work: () => Promise<T>,
): Promise<{ result: T; share: number }> {
  const ticks = () => busyTicks() - pids.reduce((sum, pid) => sum + ticksOf(pid), 0);
  const [before, started] = [ticks(), performance.now()];
  const result = await work();
  const seconds = (performance.now() - started) / 1000;
  return { result, share: (ticks() - before) / 100 / seconds };
}
