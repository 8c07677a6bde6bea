import { table } from "../markdown.js";
import type { Cost } from "./cost.js";
import type { GridRun } from "./grid.js";
import type { Results } from "./results.js";
import type { Speed } from "./speed.js";

const millions = (n: number) => (n >= 1e6 ? `${Math.round(n / 1e6)} million` : `${Math.round(n / 1000)} thousand`);

/** Runs that the tables and the plot show: the first subject's. */
export interface Shown {
  readonly subject: string;
  /** The one with one replica. */
  readonly serial: GridRun | undefined;
  readonly runs: readonly GridRun[];
  readonly workers: readonly number[];
  readonly intervals: readonly number[];
  /** Iterations that all runs have. */
  readonly last: number;
}

/** Chooses what is shown. */
export function shown({ runs: all }: Results): Shown {
  const subject = all[0]?.subject ?? "";
  const runs = all.filter((run) => run.subject === subject);
  const several = runs.filter(({ workers }) => workers > 1);
  const ascending = (values: readonly number[]) => [...new Set(values)].sort((a, b) => a - b);
  return {
    subject,
    serial: runs.find(({ workers }) => workers === 1),
    runs: several,
    workers: ascending(several.map(({ workers }) => workers)),
    intervals: ascending(several.map(({ interval }) => interval)),
    last: Math.min(...several.map(({ iterations }) => iterations)),
  };
}

const speedOf = (speeds: readonly Speed[], subject: string, workers: number): Speed | undefined =>
  speeds.find((speed) => speed.subject === subject && speed.workers === workers && speed.threads === undefined);

/** Seconds that so many iterations of a run take on this machine: tau * C + S for each round, both measured. */
export function timeOf(speeds: readonly Speed[], { subject, workers, interval }: GridRun, iterations: number): number {
  const speed = speedOf(speeds, subject, workers);
  return speed ? (iterations * (speed.iterationMs + speed.overheadMs / interval)) / 1000 : Number.NaN;
}

/** All tables in Markdown. */
export function tables(results: Results, goals: Readonly<Record<string, number>>): string {
  const what = shown(results);
  return [
    costTable(results.costs),
    accuracyTable(what, results.speeds),
    historyTable(what),
    speedUpTable(what, goals[what.subject]!, results.speeds),
    throughputTable(results.speeds),
    modelTable(results),
  ].join("\n\n");
}

function costTable(costs: readonly Cost[]): string {
  const rows = costs.map(({ parameters, isolation, sendMs, averageMs, overheadMs, medianMs }) => [
    millions(parameters),
    isolation,
    ...[sendMs, averageMs, overheadMs, medianMs].map((ms) => ms.toFixed(1)),
  ]);
  const head = ["parameters", "isolation", "sending", "averaging", "all", "all, median"];
  return `What a round costs besides its iterations, K = 2, milliseconds: the least over the rounds of a run, and the median\n\n${table(head, rows)}`;
}

/** A table with a row for each number of replicas and a column for each interval. */
function matrix({ workers, intervals, runs }: Shown, cell: (run: GridRun) => string): string {
  const local = runs.filter(({ averageHistory }) => !averageHistory);
  const rows = workers.map((k) => [
    k,
    ...intervals.map((tau) => {
      const run = local.find((each) => each.workers === k && each.interval === tau);
      return run ? cell(run) : "";
    }),
  ]);
  return table(["K \\ TAU", ...intervals.map(String)], rows);
}

/** The last accuracy of a run within a limit. */
function accuracyWithin({ points }: GridRun, isWithin: (iteration: number) => boolean): string {
  return (
    points
      .filter(({ iteration }) => isWithin(iteration))
      .at(-1)
      ?.accuracy.toFixed(3) ?? ""
  );
}

function accuracyTable(what: Shown, speeds: readonly Speed[]): string {
  const { serial, last, subject } = what;
  if (!serial) return "(a) needs a run with K = 1";
  const seconds = timeOf(speeds, serial, serial.iterations);
  const both = matrix(what, (run) => {
    const inTime = accuracyWithin(run, (iteration) => timeOf(speeds, run, iteration) <= seconds);
    return `${accuracyWithin(run, (iteration) => iteration <= last)} / ${inTime}`;
  });
  const [one, long] = [last, serial.iterations].map((at) => accuracyWithin(serial, (iteration) => iteration <= at));
  return `(a) ${subject}: accuracy on the test data after ${last} iterations of each replica / after ${seconds.toFixed(0)} s. One replica with both cores: ${one} / ${long}\n\n${both}`;
}

function historyTable({ runs, last }: Shown): string {
  const averaged = runs.filter(({ averageHistory }) => averageHistory);
  const rows = averaged.map((run) => {
    const local = runs.find((o) => o.workers === run.workers && o.interval === run.interval && !o.averageHistory);
    const score = (each: GridRun | undefined) => {
      const point = each?.points.findLast(({ iteration }) => iteration <= last);
      return point ? `${point.accuracy.toFixed(3)}, loss ${point.loss.toFixed(3)}` : "";
    };
    return [run.workers, run.interval, score(local), score(run)];
  });
  return `Accuracy and loss on the test data after ${last} iterations by what happens to the solver's history\n\n${table(["K", "TAU", "local", "averaged"], rows)}`;
}

/** Iterations of each replica until a run first tests at least as good as `accuracy`. */
const iterationsTo = ({ points }: GridRun, accuracy: number): number | undefined =>
  points.find((point) => point.accuracy >= accuracy)?.iteration;

/** SparkNet's figure: serial iterations divided by the iterations of each replica, both until an accuracy. */
function speedUpTable(what: Shown, accuracy: number, speeds: readonly Speed[]): string {
  const { subject, serial } = what;
  const needed = serial && iterationsTo(serial, accuracy);
  if (needed === undefined) return `(b) ${subject}: the serial run did not reach ${accuracy}`;
  const cells = matrix(what, (run) => {
    const iterations = iterationsTo(run, accuracy);
    if (iterations === undefined) return `not in ${run.iterations}`;
    return `${(needed / iterations).toFixed(2)} (${Math.ceil(iterations / run.interval)})`;
  });
  const time = timeOf(speeds, serial!, needed).toFixed(0);
  return `(b) ${subject}: the ${needed} serial iterations (${time} s) to an accuracy of ${accuracy}, divided by those of each replica (and the rounds that they are)\n\n${cells}`;
}

function throughputTable(speeds: readonly Speed[]): string {
  const of = (subject: string, workers: number, threads: number) =>
    speeds.find((speed) => speed.subject === subject && speed.workers === workers && speed.threads === threads);
  const rows = [...new Set(speeds.map(({ subject }) => subject))].flatMap((subject) => {
    const [two, one] = [of(subject, 2, 1)?.imagesPerSecond, of(subject, 1, 2)?.imagesPerSecond];
    return two && one ? [[subject, Math.round(two), Math.round(one), (two / one).toFixed(2)]] : [];
  });
  return `(c) images/s\n\n${table(["", "K = 2, 1 thread each", "K = 1, 2 threads", "ratio"], rows)}`;
}

/** Bits per second of the networks that are extrapolated to. */
const GIGABITS = [1, 10, 100];
const MACHINES = [1, 2, 5, 10, 20, 50, 100];
/** Parameters of CIFAR-10 quick, and the interval that SparkNet trained it with. */
const PARAMETERS = 145_578;
const INTERVAL = 10;

/** Throughput of K machines against one by the paper's model: K * TAU*C / (TAU*C + S), all K buffers through one machine's network. */
function modelTable({ speeds }: Results): string {
  const subject = "cifar10";
  const [one, two] = [speedOf(speeds, subject, 1), speedOf(speeds, subject, 2)];
  if (!one || !two) return "(d) needs the speeds of K = 1 and K = 2";
  const computeS = (INTERVAL * one.iterationMs) / 1000;
  const rows = MACHINES.map((k) => [
    k,
    ...GIGABITS.map((gigabits) => {
      // What was measured is for two replicas: a copy for each, and a sum over all.
      const hereS = (two.overheadMs / 1000) * (k / 2);
      const sendS = (2 * k * PARAMETERS * 32) / (gigabits * 1e9);
      return ((k * computeS) / (computeS + (k === 1 ? 0 : hereS + sendS))).toFixed(1);
    }),
  ]);
  const measured = `C = ${one.iterationMs.toFixed(0)} ms and S = ${two.overheadMs.toFixed(1)} ms for K = 2`;
  const model = `EXTRAPOLATED, not measured: throughput against one machine if a round takes TAU * C + S. TAU = ${INTERVAL}; measured here are ${measured}; S grows with K, and all replicas' ${millions(PARAMETERS)} parameters go through one machine's network, in and out`;
  return `(d) ${subject}, ${model}\n\n${table(["machines", ...GIGABITS.map((gigabits) => `${gigabits} Gbit/s`)], rows)}`;
}
