import type { Cost } from "./cost.js";
import type { GridRun } from "./grid.js";
import type { Results } from "./main.js";

/** A table in Markdown. */
function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

const millions = (n: number) => (n >= 1e6 ? `${Math.round(n / 1e6)} million` : `${Math.round(n / 1000)} thousand`);

/** Iterations of each replica until a run first tests at least as good as `accuracy`. */
const iterationsTo = ({ points }: GridRun, accuracy: number): number | undefined =>
  points.find((point) => point.accuracy >= accuracy)?.iteration;

/** All tables in Markdown. */
export function tables(results: Results, goals: Readonly<Record<string, number>>): string {
  const subjects = [...new Set(results.runs.map(({ subject }) => subject))];
  return [
    costTable(results.costs),
    ...subjects.flatMap((subject) => {
      const runs = results.runs.filter((run) => run.subject === subject);
      return [accuracyTable(subject, runs), speedUpTable(subject, runs, goals[subject]!)];
    }),
    ...(results.throughput.length > 0 ? [throughputTable(results.throughput)] : []),
    modelTable(results),
  ].join("\n\n");
}

function costTable(costs: readonly Cost[]): string {
  const rows = costs.map(({ parameters, isolation, sendMs, waitMs, averageMs, overheadMs }) => [
    millions(parameters),
    isolation,
    ...[sendMs, averageMs, waitMs, overheadMs].map((ms) => ms.toFixed(1)),
  ]);
  return `A round's overhead with K = 2, milliseconds, each the least over the rounds of a run\n\n${table(["parameters", "isolation", "sending", "averaging", "waiting", "all"], rows)}`;
}

function accuracyTable(subject: string, runs: readonly GridRun[]): string {
  const last = runs[0]?.points.at(-1)?.iteration ?? 0;
  const shown = [last / 2, last];
  const rows = runs.map(({ workers, interval, averageHistory, imagesPerSecond, points }) => [
    workers,
    workers === 1 ? "-" : interval,
    averageHistory ? "averaged" : "local",
    ...shown.map((at) => points.find(({ iteration }) => iteration === at)?.accuracy.toFixed(3) ?? ""),
    points.at(-1)?.seconds.toFixed(0) ?? "",
    Math.round(imagesPerSecond),
  ]);
  const head = ["K", "TAU", "history", ...shown.map((at) => `accuracy at ${at}`), "seconds", "images/s"];
  return `(a) ${subject}: accuracy on test data after iterations of each replica\n\n${table(head, rows)}`;
}

/** SparkNet's figure: serial iterations divided by the iterations of each replica, both until an accuracy. */
function speedUpTable(subject: string, runs: readonly GridRun[], accuracy: number): string {
  const local = runs.filter(({ averageHistory }) => !averageHistory);
  const serial = local.find(({ workers }) => workers === 1);
  const needed = serial && iterationsTo(serial, accuracy);
  if (needed === undefined) return `(b) ${subject}: the serial run did not reach ${accuracy}`;
  const intervals = [...new Set(local.filter(({ workers }) => workers > 1).map(({ interval }) => interval))].sort(
    (a, b) => a - b,
  );
  const workers = [...new Set(local.map((run) => run.workers))].filter((k) => k > 1).sort((a, b) => a - b);
  const rows = workers.map((k) => [
    k,
    ...intervals.map((interval) => {
      const run = local.find((each) => each.workers === k && each.interval === interval);
      const iterations = run && iterationsTo(run, accuracy);
      return iterations === undefined
        ? ""
        : `${(needed / iterations).toFixed(2)} (${Math.ceil(iterations / interval)})`;
    }),
  ]);
  return `(b) ${subject}: ${needed} serial iterations to ${accuracy}, divided by those of each replica (and its rounds)\n\n${table(["K \\ TAU", ...intervals.map(String)], rows)}`;
}

function throughputTable(throughput: Results["throughput"]): string {
  const rows = throughput.map(({ subject, two, one }) => [
    subject,
    Math.round(two),
    Math.round(one),
    (two / one).toFixed(2),
  ]);
  return `(c) images/s\n\n${table(["", "K = 2, 1 thread each", "K = 1, 2 threads", "ratio"], rows)}`;
}

/** Bits per second of the networks that are extrapolated to. */
const GIGABITS = [1, 10, 100];
const MACHINES = [1, 2, 5, 10, 20, 50, 100];
const TAU = 10;

/** Throughput of K machines against one by the paper's model: K * TAU*C / (TAU*C + S), all K buffers through one machine's network. */
function modelTable({ runs, costs, throughput }: Results): string {
  const serial = runs.find(({ workers }) => workers === 1);
  const small = costs.find(({ isolation }) => isolation === "thread");
  if (!serial || !small) return "(d) needs a run with K = 1 and the costs";
  const bits = small.parameters * 32;
  const hereS = small.overheadMs / 1000;
  // The best of several short runs, where there are some, is nearer to what the machine can do.
  const best = throughput.find(({ subject }) => subject === serial.subject)?.one;
  const rowsPerIteration = (serial.imagesPerSecond * serial.iterationMs) / 1000;
  const iterationMs = best === undefined ? serial.iterationMs : (1000 * rowsPerIteration) / best;
  const computeS = (TAU * iterationMs) / 1000;
  const rows = MACHINES.map((k) => [
    k,
    ...GIGABITS.map((gigabits) => {
      const sendS = k === 1 ? 0 : (2 * k * bits) / (gigabits * 1e9);
      return ((k * computeS) / (computeS + (k === 1 ? 0 : hereS) + sendS)).toFixed(1);
    }),
  ]);
  const measured = `C = ${iterationMs.toFixed(0)} ms (${serial.subject}), S = ${small.overheadMs.toFixed(1)} ms, both measured here`;
  return `(d) EXTRAPOLATED: time of a round = TAU * C + S, TAU = ${TAU}, ${measured}; S grows by 2 * K * ${millions(small.parameters)} floats over one machine's network. Throughput against one machine\n\n${table(["machines", ...GIGABITS.map((gigabits) => `${gigabits} Gbit/s`)], rows)}`;
}

const WIDTH = 720;
const HEIGHT = 360;
const MARGIN = 48;
const COLOURS = ["#333333", "#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#17becf"];

/** Accuracy against iterations, a line for each run of the first subject, as SVG. */
export function plot(all: readonly GridRun[]): string {
  const runs = all.filter(({ subject, averageHistory }) => subject === all[0]?.subject && !averageHistory);
  const last = Math.max(...runs.flatMap(({ points }) => points.map(({ iteration }) => iteration)));
  const x = (iteration: number) => MARGIN + (iteration / last) * (WIDTH - 4 * MARGIN);
  const y = (accuracy: number) => HEIGHT - MARGIN - accuracy * (HEIGHT - 2 * MARGIN);
  const lines = runs.map(({ workers, interval, points }, i) => {
    const colour = COLOURS[i % COLOURS.length]!;
    const path = points
      .map(({ iteration, accuracy }) => `${x(iteration).toFixed(1)},${y(accuracy).toFixed(1)}`)
      .join(" ");
    const name = workers === 1 ? "K = 1" : `K = ${workers}, TAU = ${interval}`;
    const top = MARGIN + 16 * i;
    return `<polyline fill="none" stroke="${colour}" stroke-width="1.5" points="${path}"/>
<text x="${WIDTH - 3 * MARGIN + 12}" y="${top}" fill="${colour}">${name}</text>`;
  });
  const ticks = [0, 0.25, 0.5, 0.75, 1].map(
    (share) => `<text x="${MARGIN - 8}" y="${y(share) + 4}" text-anchor="end">${share}</text>
<line x1="${MARGIN}" x2="${x(last)}" y1="${y(share)}" y2="${y(share)}" stroke="#dddddd"/>
<text x="${x(share * last)}" y="${HEIGHT - MARGIN + 18}" text-anchor="middle">${Math.round(share * last)}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">
<title>Accuracy against iterations</title>
<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>
${ticks.join("\n")}
${lines.join("\n")}
<text x="${MARGIN}" y="${MARGIN - 20}">${runs[0]?.subject ?? ""}: accuracy on the test data against iterations of each replica</text>
</svg>
`;
}
