import { listRuns, type RunSummary } from "../runs/list.js";
import type { CommandArgs } from "./commands/command.js";
import type { RUNS } from "./commands/training.js";
import { report } from "./common.js";

/** Lists runs: a table, or JSON. */
export function run({ runs, json }: CommandArgs<typeof RUNS>): void {
  const found = listRuns(runs);
  report({ json }, found, () =>
    found.length > 0 ? tableOf(found) : [`no runs in ${runs}: netrun train ... --run NAME keeps one there`],
  );
}

function tableOf(runs: readonly RunSummary[]): readonly string[] {
  const rows = [HEADINGS, ...runs.map(rowOf)];
  const widths = HEADINGS.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join("  ")
      .trimEnd(),
  );
}

const HEADINGS = ["run", "status", "iteration", "loss", "best", "time", "started"];

function rowOf(run: RunSummary): string[] {
  const { best, scores } = run;
  const last = Object.entries(scores)[0];
  return [
    run.name,
    run.status,
    run.maxIter === undefined ? String(run.iteration) : `${run.iteration}/${run.maxIter}`,
    run.smoothedLoss === undefined ? "" : short(run.smoothedLoss),
    best ? `${best.metric} ${short(best.value)} @ ${best.iteration}` : last ? `${last[0]} ${short(last[1])}` : "",
    duration(run.seconds),
    run.started.replace("T", " ").slice(0, 16),
  ];
}

const short = (value: number) => String(Number(value.toPrecision(4)));

function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h} h ${m} min` : m > 0 ? `${m} min ${s} s` : `${s} s`;
}
