import { flagOf } from "../options/option.js";
import type { Stopped } from "../train/events.js";

/** A run's end: its snapshot, where it stands and why it ended before max_iter. */
interface End {
  readonly state: string;
  readonly iteration: number;
  readonly stopped: Stopped | undefined;
}

/** Flags that a run that goes on is given anew, or does without: each has a value. */
const ANEW = ["snapshot", "weights"] as const;
const EARLY_STOP = ["early-stop", "patience"] as const;

/**
 * The arguments that resume a run started with `argv`: one that was stopped, with the same arguments up to the same last iteration; one
 * that is complete, up to twice its iterations; one that stopped early, without the rule for that.
 */
export function resumeCommand(argv: readonly string[], { state, iteration, stopped }: End): string {
  const isOver = stopped === undefined;
  const dropped = new Set<string>([
    ...ANEW,
    ...(isOver ? ["max-iter"] : []),
    ...(stopped === "early-stop" ? EARLY_STOP : []),
  ]);
  // What follows `--` are words.
  const end = argv.includes("--") ? argv.indexOf("--") : argv.length;
  const kept: string[] = [];
  for (let i = 0; i < end; i++) {
    const arg = argv[i]!;
    if (!dropped.has(nameOf(arg) ?? "")) kept.push(arg);
    // The flag's value is the next argument.
    else if (!arg.includes("=")) i++;
  }
  const further = isOver ? ["--max-iter", String(2 * iteration)] : [];
  return [...kept, "-snapshot", state, ...further, ...argv.slice(end)].map(quoted).join(" ");
}

/** The name of a flag, however it is written: `-max_iter`, `--maxIter=9`. */
function nameOf(arg: string): string | undefined {
  const name = /^--?([a-zA-Z][\w-]*)(?:=|$)/.exec(arg)?.[1];
  return name === undefined ? undefined : flagOf(name);
}

/** An argument as a POSIX shell reads it back. */
export const quoted = (arg: string): string =>
  /^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", `'\\''`)}'`;
