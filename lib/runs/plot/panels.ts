import type { ECharts, EChartsCoreOption } from "echarts";
import { colourAt } from "../colours.js";

/** A line of a panel: points by x, and its name. */
export interface PlotLine {
  readonly label: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Index of the colour, the same for the same thing in all panels. */
  readonly colour: number;
  /** Index of the dashes. */
  readonly dash?: number | undefined;
}

/** A panel with its own y axis. */
export interface Panel {
  readonly title: string;
  /** Of the y axis; empty for numbers without. */
  readonly unit: string;
  readonly lines: readonly PlotLine[];
  readonly isLog: boolean;
}

/** The axis of all panels. */
export interface XAxis {
  readonly title: string;
  readonly isLog: boolean;
}

const WIDTH = 960;
const PANEL = { height: 270, top: 44, bottom: 52, left: 86, legend: 230 } as const;
/** A row of a legend: pixels between rows and of a line of text, letters of a line, and of a label at most. */
const LEGEND = { gap: 5, line: 13, letters: 25, most: 50 } as const;
const MOST_HEIGHT = 480;
const DASHES = ["solid", "dashed", "dotted", [8, 3, 2, 3], [2, 6], [12, 3]] as const;
/** Fonts that a machine may have, in the order that they are looked for. */
const FONT = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif";

/** Panels under each other as an SVG, legends at their right. Drawn by the library of the dashboard. */
export async function drawPanels(panels: readonly Panel[], x: XAxis): Promise<string> {
  const { init } = await import("echarts");
  const chart: ECharts = init(null, null, {
    renderer: "svg",
    ssr: true,
    width: WIDTH,
    height: panels.reduce((sum, panel) => sum + heightOf(panel), 0),
  });
  try {
    chart.setOption(optionOf(panels, x));
    const titles = panels.map(({ title }) => escapeXml(title)).join(", ");
    return `${withTitle(chart.renderToSVGString(), titles)}\n`;
  } finally {
    chart.dispose();
  }
}

/** The picture with a title for those who do not see it, and without the library's rules for pages, where a mouse may be. */
const withTitle = (svg: string, title: string): string =>
  svg
    .replace(/<style >.*?<\/style>\s*/s, "")
    .replace(
      /^<svg ([^>]*)>/,
      `<svg $1 role="img" aria-labelledby="plot-title">\n<title id="plot-title">${title}</title>`,
    );

const escapeXml = (text: string): string =>
  text.replace(/[&<>]/g, (char) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[char]!);

function optionOf(panels: readonly Panel[], x: XAxis): EChartsCoreOption {
  const heights = panels.map(heightOf);
  const top = (i: number) => heights.slice(0, i).reduce((sum, height) => sum + height, 0);
  const shown = panels.map((panel) => ({ ...panel, lines: panel.lines.map((line) => onAxes(line, x, panel)) }));
  const xSpan = spanOf(
    shown.flatMap(({ lines }) => lines.flatMap(({ points }) => points.map(([at]) => at))),
    x.isLog,
  );
  return {
    animation: false,
    backgroundColor: "#fff",
    textStyle: { fontFamily: FONT, color: "#222" },
    title: shown.map(({ title, lines, isLog }, i) => ({
      text: lines.some(({ points }) => points.length > 0) ? title : `${title} (${emptyText(x, isLog)})`,
      left: PANEL.left,
      top: top(i) + 12,
      textStyle: { fontSize: 14, fontFamily: FONT, color: "#222" },
    })),
    legend: panels.map(({ lines }, i) => ({
      orient: "vertical",
      left: WIDTH - PANEL.legend + 6,
      top: top(i) + PANEL.top - 4,
      height: heights[i]! - PANEL.top - 8,
      itemWidth: 26,
      itemHeight: 10,
      itemGap: LEGEND.gap,
      textStyle: {
        width: PANEL.legend - 60,
        overflow: "breakAll",
        fontFamily: FONT,
        fontSize: 11,
        lineHeight: LEGEND.line,
      },
      data: lines.map((_, j) => ({ name: nameOf(i, j) })),
      formatter: (name: string) => cut(labelOf(panels, name)),
    })),
    grid: panels.map((_, i) => ({
      left: PANEL.left,
      width: WIDTH - PANEL.left - PANEL.legend,
      top: top(i) + PANEL.top,
      // A panel that is high for its legend does not stretch its curves.
      height: Math.min(heights[i]!, MOST_HEIGHT) - PANEL.top - PANEL.bottom,
    })),
    xAxis: panels.map((_, i) => ({
      ...axis(x.title, x.isLog, 30),
      gridIndex: i,
      min: xSpan[0],
      max: xSpan[1],
      splitLine: { show: true, lineStyle: { color: "#eee" } },
    })),
    yAxis: shown.map(({ unit, isLog }, i) => ({
      ...axis(unit, isLog, 62),
      gridIndex: i,
      scale: true,
      axisLine: { show: true, lineStyle: { color: "#444" } },
      splitLine: { lineStyle: { color: "#ddd" } },
    })),
    series: shown.flatMap(({ lines }, i) =>
      lines.map(({ points, colour, dash = 0 }, j) => ({
        type: "line",
        name: nameOf(i, j),
        xAxisIndex: i,
        yAxisIndex: i,
        data: points,
        // A line of one point is not seen.
        showSymbol: points.length < 20,
        symbolSize: 4,
        color: colourAt(colour),
        lineStyle: { width: 1.5, type: DASHES[dash % DASHES.length]! as "solid" | number[] },
      })),
    ),
  };
}

const axis = (name: string, isLog: boolean, nameGap: number) => ({
  type: isLog ? "log" : "value",
  name,
  nameLocation: "middle",
  nameGap,
  nameTextStyle: { fontSize: 12, fontFamily: FONT, color: "#222" },
  axisLine: { lineStyle: { color: "#444" } },
  axisLabel: { formatter: numberText, hideOverlap: true, fontFamily: FONT, fontSize: 11, color: "#222" },
});

/** Height of a panel: it has room for all of its legend. */
const heightOf = ({ lines }: Panel): number => {
  const rows = lines.map(({ label }) => Math.ceil(cut(label).length / LEGEND.letters) * LEGEND.line + LEGEND.gap);
  return Math.max(
    PANEL.height,
    rows.reduce((sum, row) => sum + row, PANEL.top + 16),
  );
};

/** A label of two lines at most: its end tells runs apart more often than its middle. */
const cut = (label: string): string =>
  label.length <= LEGEND.most ? label : `${label.slice(0, LEGEND.most / 2 - 1)}…${label.slice(-LEGEND.most / 2)}`;

/** Reason why a panel shows nothing. */
const emptyText = ({ isLog: isLogX }: XAxis, isLogY: boolean): string =>
  isLogX || isLogY ? "nothing above 0 for a log axis" : "no finite values";

/** Names are unique over all panels; the legend shows labels. */
const nameOf = (panel: number, line: number): string => `${panel} ${line}`;

function labelOf(panels: readonly Panel[], name: string): string {
  const [panel, line] = name.split(" ").map(Number) as [number, number];
  return panels[panel]!.lines[line]!.label;
}

/** Numbers of less than this size are 0 in a picture: the library's steps between ticks have so many digits. */
const LEAST = 1e-18;

/** The points that have a place: finite ones, on log axes those above 0. */
function onAxes(line: PlotLine, x: XAxis, { isLog }: Panel): PlotLine {
  const points = line.points.filter(
    ([at, value]) =>
      Number.isFinite(at) && Number.isFinite(value) && (!x.isLog || at > 0) && (!isLog || value >= LEAST),
  );
  return { ...line, points: points.map(([at, value]) => [at, Math.abs(value) < LEAST ? 0 : value] as const) };
}

/** The least and the greatest place; half a step to both sides where they are one. */
function spanOf(values: readonly number[], isLog: boolean): readonly [from: number, to: number] {
  const from = values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  const to = values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  if (from < to) return [from, to];
  if (isLog) return from > to ? [1, 10] : [from / 2, from * 2];
  return from > to ? [0, 1] : [from - 0.5, from + 0.5];
}

/** A number as short as it is exact in six digits: 0.01, 1e-9. */
function numberText(value: number): string {
  const size = Math.abs(value);
  const short = Number(value.toPrecision(6));
  return size !== 0 && (size < 1e-4 || size >= 1e7) ? short.toExponential().replace("e+", "e") : String(short);
}
