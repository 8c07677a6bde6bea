import { sparkOf } from "../engine/spark/choice.js";
import { NetrunError } from "../error.js";
import { apiOf } from "../options/option.js";
import type { PartResult } from "../sweep/state.js";
import { sweep, type SweepOptions, type Trial } from "../sweep/sweep.js";
import type { CommandArgs } from "./commands/command.js";
import { SWEEP } from "./commands/training.js";
import { dataOfFlags, isQuiet, programName, report, warn } from "./common.js";
import { quoted } from "./resume-command.js";
import { sessionOfFlags } from "./session-flags.js";

/** Trains a solver with many settings. */
export async function run(args: CommandArgs<typeof SWEEP>): Promise<void> {
  const say = (line: string) => {
    if (!isQuiet(args)) process.stdout.write(`${line}\n`);
  };
  const { data: _, ...options } = { ...apiOf(SWEEP, args), ...(await sessionOfFlags(args)), ...dataOfFlags(args) };
  const events = sweep({
    ...options,
    ...(args.data !== undefined && { data: args.data }),
    solver: args.solver!,
    output: args.output,
    engine: sparkOf(args),
    grid: fieldsOf("--grid", args.grid, (values) => values.split(",")),
    random: fieldsOf("--random", args.random, (range) => range),
    onWarning: warn,
  } as SweepOptions);
  let trials: readonly Trial[] = [];
  let best: Trial | undefined;
  for await (const event of events) {
    if (event.kind === "sweep-start" && event.parts > 0)
      say(`${args.output}: goes on after ${event.parts} parts of runs`);
    if (event.kind === "part-done") {
      const { result, trial } = event;
      const score =
        result.score === undefined
          ? result.error
          : `${args.metric} = ${scoreText(result)}${result.stopped ? ", stopped" : ""}`;
      say(
        `Run ${trial.index + 1}, iteration ${result.iteration}: ${score} (${textOf(trial)}, ${result.seconds.toFixed(1)} s)`,
      );
    }
    if (event.kind === "sweep-done") ({ trials, best } = event);
  }
  report(args, { trials, best }, () => table(trials, args.metric));
  if (!best) throw new NetrunError("no run has a score", { file: args.output });
  const { weights } = best.results.at(-1)!;
  if (weights !== undefined) say(`weights  ${weights}`);
  say("next:");
  say(`  ${programName()} train ${quoted(`${best.folder}/solver.prototxt`)}${dataFlags(args)}`);
}

/** Values of the flag, by field. */
function fieldsOf<T>(flag: string, given: readonly string[] | undefined, read: (text: string) => T) {
  return Object.fromEntries(
    (given ?? []).map((text) => {
      const [, path, values] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
      if (path === undefined || values === undefined) throw new NetrunError(`${flag} ${text}: give FIELD=VALUES`);
      return [path, read(values)];
    }),
  );
}

/** A score; of folds with their deviation. */
const scoreText = ({ score, deviation }: PartResult): string =>
  `${score!.toPrecision(6)}${deviation === undefined ? "" : ` ± ${deviation.toPrecision(3)}`}`;

const textOf = ({ settings }: Trial): string =>
  Object.entries(settings)
    .map(([path, value]) => `${path}=${value}`)
    .join(" ");

/** Runs in their order, a line each. */
function table(trials: readonly Trial[], metric: string): readonly string[] {
  const rows = trials.map((trial) => {
    const last = trial.results.at(-1);
    const score = last?.score === undefined ? "-" : scoreText(last);
    return [String(trial.index + 1), String(last?.iteration ?? 0), score, textOf(trial)];
  });
  const header = ["run", "iteration", metric, "settings"];
  const widths = header.slice(0, 3).map((title, i) => Math.max(title.length, ...rows.map((cells) => cells[i]!.length)));
  return [header, ...rows].map((cells) =>
    cells.map((cell, i) => (i < 3 ? cell.padStart(widths[i]!) : cell)).join("  "),
  );
}

const dataFlags = ({ data, testData }: CommandArgs<typeof SWEEP>): string =>
  `${data === undefined ? "" : ` --data ${quoted(data)}`}${testData === undefined ? "" : ` --test-data ${quoted(testData)}`}`;
