import type { Stopped } from "../train/events.js";

/** A run's end: its snapshot, where it stands and why it ended before max_iter. */
interface End {
  readonly state: string;
  readonly iteration: number;
  readonly stopped: Stopped | undefined;
}

/** Flags that a run that goes on is given anew, or does without: each has a value. */
const ANEW = /^--?(snapshot|weights)(=|$)/;
const MAX_ITER = /^--?max[-_]iter(=|$)/;
const EARLY_STOP = /^--?(early[-_]stop|patience)(=|$)/;

/**
 * The arguments that resume a run started with `argv`: one that was stopped, with the same arguments up to the same last iteration; one
 * that is complete, up to twice its iterations; one that stopped early, without the rule for that.
 */
export function resumeCommand(argv: readonly string[], { state, iteration, stopped }: End): string {
  const isOver = stopped === undefined;
  const dropped = [ANEW, ...(isOver ? [MAX_ITER] : []), ...(stopped === "early-stop" ? [EARLY_STOP] : [])];
  const kept: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const arg = argv[i]!;
    if (!dropped.some((flag) => flag.test(arg))) kept.push(arg);
    // The flag's value is the next argument.
    else if (!arg.includes("=")) i++;
  }
  const further = isOver ? ["--max-iter", String(2 * iteration)] : [];
  return [...kept, "-snapshot", state, ...further].map(quoted).join(" ");
}

/** An argument as a POSIX shell reads it back. */
export const quoted = (arg: string): string =>
  /^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", `'\\''`)}'`;
