import type { GridRun } from "./grid.js";
import { shown, timeOf } from "./report.js";
import type { Results } from "./results.js";

const PANEL = { width: 300, height: 220, left: 40, right: 12, top: 26, bottom: 34 } as const;
const LEGEND = 30;
/** The interval's colours, dark to light. */
const COLOURS = ["#440154", "#414487", "#2a788e", "#22a884", "#7ad151", "#e0c000"];

type Point = readonly [x: number, y: number];

interface Line {
  readonly colour: string;
  readonly points: readonly Point[];
}

/** Accuracy on the test data of the first subject as SVG: over iterations above, over time below, a column for each number of replicas. */
export function plot(results: Results): string {
  const { subject, serial, runs, workers, intervals } = shown(results);
  const last = Math.max(...runs.map(({ iterations }) => iterations));
  const local = runs.filter(({ averageHistory }) => !averageHistory);
  const byIteration = (run: GridRun): readonly Point[] => run.points.map((point) => [point.iteration, point.accuracy]);
  const byTime = (run: GridRun): readonly Point[] =>
    run.points.map((point) => [timeOf(results.speeds, run, point.iteration), point.accuracy]);
  const columns = workers.map((k) => ({ k, runs: local.filter((run) => run.workers === k) }));
  const best = Math.max(...local.flatMap(({ points }) => points.map(({ accuracy }) => accuracy)), 0.1);
  const top = Math.ceil(best * 5) / 5;
  const lines = (of: typeof byTime, column: readonly GridRun[]): readonly Line[] => [
    ...column.map((run) => ({ colour: COLOURS[intervals.indexOf(run.interval)] ?? "#999999", points: of(run) })),
    ...(serial ? [{ colour: "#d55e00", points: of(serial) }] : []),
  ];
  const panels = columns.flatMap(({ k, runs: column }, i) => {
    const seconds = Math.max(...column.flatMap((run) => byTime(run).map(([x]) => x)), 1);
    const place = (row: number) => [i * PANEL.width, LEGEND + row * PANEL.height] as const;
    return [
      panel(place(0), `K = ${k}: iterations`, lines(byIteration, column), [last, top]),
      panel(place(1), `K = ${k}: seconds`, lines(byTime, column), [seconds, top]),
    ];
  });
  const names = [["K = 1", "#d55e00"], ...intervals.map((tau, i) => [`TAU = ${tau}`, COLOURS[i]!])];
  const legend = names.map(
    ([name, colour], i) =>
      `<text x="${PANEL.left + i * 100}" y="18" fill="${colour}" font-weight="bold">${name}</text>`,
  );
  const [width, height] = [columns.length * PANEL.width, LEGEND + 2 * PANEL.height];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11">
<title>${subject}: accuracy on the test data</title>
<rect width="${width}" height="${height}" fill="white"/>
${legend.join("\n")}
${panels.join("\n")}
</svg>
`;
}

/** A panel at a place, its axes from 0 to `to`. */
function panel([dx, dy]: Point, title: string, lines: readonly Line[], [toX, toY]: Point): string {
  const [left, right] = [PANEL.left, PANEL.width - PANEL.right];
  const [above, bottom] = [PANEL.top, PANEL.height - PANEL.bottom];
  const x = (value: number) => (left + (Math.min(value, toX) / toX) * (right - left)).toFixed(1);
  const y = (value: number) => (bottom - (value / toY) * (bottom - above)).toFixed(1);
  const steps = Math.round(toY * 5);
  const marks = Array.from({ length: steps + 1 }, (_, i) => i / steps);
  const ticks = [
    ...marks.map(
      (share) => `<path d="M${left} ${y(share * toY)}H${right}" stroke="#dddddd"/>
<text x="${left - 5}" y="${Number(y(share * toY)) + 4}" text-anchor="end">${(share * toY).toFixed(1)}</text>`,
    ),
    ...[0, 0.25, 0.5, 0.75, 1].map(
      (share) =>
        `<text x="${x(share * toX)}" y="${bottom + 15}" text-anchor="middle">${Math.round(share * toX)}</text>`,
    ),
  ];
  const drawn = lines.map(({ colour, points }) => {
    const inside = points.filter(([at]) => at <= toX);
    const path = inside.map(([at, value]) => `${x(at)},${y(value)}`).join(" ");
    return `<polyline fill="none" stroke="${colour}" stroke-width="1.5" points="${path}"/>`;
  });
  return `<g transform="translate(${dx} ${dy})"><text x="${left}" y="16">${title}</text>
${ticks.join("\n")}
${drawn.join("\n")}</g>`;
}
