import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/**
 * Names of processes in what they leave on disk: `PID-START-MACHINE`. A process number is used again after its process, its start
 * time is not; and a number means something only on its own machine, within its own namespace of processes (a container).
 */

/** True if the process of a name runs; `elsewhere` for one of another machine, of which nothing can be known. */
export type Fate = "alive" | "dead" | "elsewhere";

const NAME = /^(\d+)-([0-9a-z]+)-([0-9a-f]+)$/;

let own: string | undefined;

/** The name of this process. */
export function ownName(): string {
  own ??= `${process.pid}-${startOf(process.pid) ?? "0"}-${machine()}`;
  return own;
}

/** The fate of a process by its name, or by its number alone. */
export function fateOf(name: string): Fate {
  const [, pid, start, where] = NAME.exec(name) ?? [];
  if (pid === undefined) return isRunning(Number(name)) ? "alive" : "dead";
  if (where !== machine()) return "elsewhere";
  if (!isRunning(Number(pid))) return "dead";
  return (startOf(Number(pid)) ?? "0") === start ? "alive" : "dead";
}

/** The process number in a name. */
export const pidOf = (name: string): number => Number.parseInt(name, 10);

function isRunning(pid: number): boolean {
  // Other numbers mean groups of processes: an empty name, left on a full disk, is nobody's.
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return stateOf(pid)?.[0] !== "Z";
  } catch (error) {
    // EPERM: it runs, for another user.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Clock ticks from the machine's start to the process's, in base 36; undefined where the system does not tell. */
function startOf(pid: number): string | undefined {
  const ticks = stateOf(pid)?.[START_FIELD];
  return ticks === undefined ? undefined : Number(ticks).toString(36);
}

/** Index of `starttime` in /proc/PID/stat after the name in parentheses, which may have spaces; `state` is the first. */
const START_FIELD = 19;

function stateOf(pid: number): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

let machineName: string | undefined;

function machine(): string {
  machineName ??= createHash("sha256").update(`${hostname()} ${processNamespace()}`).digest("hex").slice(0, 8);
  return machineName;
}

function processNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}
