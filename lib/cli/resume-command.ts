import { DATA } from "../options/data.js";
import { flagOf, type Options, type OptionSpec } from "../options/option.js";
import { STATE } from "../options/run.js";
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
    if (nameOf(arg) === "resume") continue;
    if (!dropped.has(nameOf(arg) ?? "")) kept.push(arg);
    // The flag's value is the next argument.
    else if (!arg.includes("=")) i++;
  }
  const further = isOver ? ["--max-iter", String(2 * iteration)] : [];
  // A run that is kept in a folder goes on there.
  const from = kept.some((arg) => nameOf(arg) === "run") ? ["--resume"] : ["-snapshot", state];
  return [...kept, ...from, ...further, ...argv.slice(end)].map(quoted).join(" ");
}

/** Flags of a training that its net needs in a test too, by those of the test. */
const OF_TESTS = { ...DATA, ...STATE, plugin: { type: "strings", describe: "" } } as const satisfies Options;
const TEST_NAMES: Readonly<Record<string, string>> = { "test-data": "data", "test-batch-size": "batch-size" };

/** The flags that a test of the trained weights takes over from a training that was started with `argv`. */
export function testFlags(argv: readonly string[]): string {
  const end = argv.includes("--") ? argv.indexOf("--") : argv.length;
  const found: { readonly name: string; readonly words: readonly string[] }[] = [];
  for (let i = 0; i < end; i++) {
    const given = nameOf(argv[i]!) ?? "";
    const name = TEST_NAMES[given] ?? given;
    const spec = Object.entries<OptionSpec>(OF_TESTS).find(([option]) => flagOf(option) === name)?.[1];
    if (spec === undefined) continue;
    const [, value] = /^[^=]*=(.*)$/s.exec(argv[i]!) ?? [];
    const words = value === undefined ? [`--${name}`] : [`--${name}=${value}`];
    if (value === undefined && spec.type !== "boolean") words.push(argv[++i] ?? "");
    while (spec.type === "numbers" && value === undefined && /^[-+]?[\d.]/.test(argv[i + 1] ?? ""))
      words.push(argv[++i]!);
    found.push({ name, words });
    // The test's own data go before those of both.
    if (name !== given) found.push({ name: `own ${name}`, words: [] });
  }
  const isOwn = (name: string) => found.some((each) => each.name === `own ${name}`);
  const kept = found.filter(({ name }, i) => !isOwn(name) || found[i + 1]?.name === `own ${name}`);
  return kept.flatMap(({ words }) => words.map(quoted)).join(" ");
}

/** The name of a flag, however it is written: `-max_iter`, `--maxIter=9`. */
function nameOf(arg: string): string | undefined {
  const name = /^--?([a-zA-Z][\w-]*)(?:=|$)/.exec(arg)?.[1];
  return name === undefined ? undefined : flagOf(name);
}

/** An argument as a POSIX shell reads it back. */
export const quoted = (arg: string): string =>
  /^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", `'\\''`)}'`;
