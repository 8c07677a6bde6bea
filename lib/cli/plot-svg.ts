/** A line of a panel: points by x, and its name. */
export interface PlotLine {
  readonly label: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** A panel with its own y axis. */
export interface Panel {
  readonly title: string;
  readonly lines: readonly PlotLine[];
}

const WIDTH = 860;
const PANEL = { height: 240, left: 70, right: 20, top: 30, bottom: 34 } as const;
/** Okabe and Ito's colours, which people with any colour vision tell apart. */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"];

/**
 * Panels under each other, over one x axis, as an SVG. Written by hand: line charts are all it takes, and the chart libraries that
 * draw without a browser bring tens of megabytes.
 */
export function drawPanels(panels: readonly Panel[], xName: string): string {
  const height = panels.length * PANEL.height;
  const x = span(panels.flatMap(({ lines }) => lines.flatMap(({ points }) => points.map(([at]) => at))));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="11" role="img" aria-labelledby="plot-title">`,
    `<title id="plot-title">${escapeXml(panels.map(({ title }) => title).join(", "))}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="white"/>`,
    ...panels.flatMap((panel, i) => drawPanel(panel, i * PANEL.height, x, xName)),
    "</svg>\n",
  ].join("\n");
}

type Span = readonly [from: number, to: number];

function span(values: readonly number[]): Span {
  const finite = values.filter(Number.isFinite);
  const from = finite.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const to = finite.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  return from < to ? [from, to] : [from - 0.5, from + 0.5];
}

function drawPanel({ title, lines }: Panel, offset: number, x: Span, xName: string): string[] {
  const y = span(lines.flatMap(({ points }) => points.map(([, value]) => value)));
  const bottom = offset + PANEL.height - PANEL.bottom;
  const [left, right, top] = [PANEL.left, WIDTH - PANEL.right, offset + PANEL.top];
  const at = (value: number) => round(left + ((value - x[0]) / (x[1] - x[0])) * (right - left));
  const up = (value: number) => round(bottom - ((value - y[0]) / (y[1] - y[0])) * (bottom - top));
  const grid = [
    ...ticks(y).map(
      (value) =>
        `<path d="M${left} ${up(value)}H${right}" stroke="#ddd"/><text x="${left - 6}" y="${up(value) + 4}" text-anchor="end">${label(value)}</text>`,
    ),
    ...ticks(x).map(
      (value) =>
        `<path d="M${at(value)} ${top}V${bottom}" stroke="#eee"/><text x="${at(value)}" y="${bottom + 14}" text-anchor="middle">${label(value)}</text>`,
    ),
  ];
  const drawn = lines.flatMap(({ label: name, points }, i) => {
    const colour = COLOURS[i % COLOURS.length]!;
    const path = points.filter(([, value]) => Number.isFinite(value)).map(([a, b]) => `${at(a)},${up(b)}`);
    const legendY = top + 12 + 14 * i;
    return [
      `<polyline points="${path.join(" ")}" fill="none" stroke="${colour}" stroke-width="1.5"/>`,
      `<path d="M${right - 160} ${legendY - 4}h16" stroke="${colour}" stroke-width="3"/><text x="${right - 140}" y="${legendY}">${escapeXml(name)}</text>`,
    ];
  });
  return [
    `<text x="${left}" y="${top - 10}" font-size="13" font-weight="bold">${escapeXml(title)}</text>`,
    ...grid,
    ...drawn,
    `<path d="M${left} ${top}V${bottom}H${right}" fill="none" stroke="#444"/>`,
    `<text x="${(left + right) / 2}" y="${bottom + 28}" text-anchor="middle">${xName}</text>`,
  ];
}

const round = (value: number) => Math.round(value * 10) / 10;
const label = (value: number) => String(Number(value.toPrecision(6)));
const escapeXml = (text: string) =>
  text.replace(/[&<>]/g, (char) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[char]!);

/** About five round numbers within a span: multiples of 1, 2 or 5 times a power of ten. */
function ticks([from, to]: Span): readonly number[] {
  const raw = (to - from) / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= raw)!;
  const first = Math.ceil(from / step);
  return Array.from({ length: Math.floor(to / step) - first + 1 }, (_, i) => (first + i) * step);
}
