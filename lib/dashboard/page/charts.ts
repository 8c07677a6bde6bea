import type * as ECharts from "echarts";
import { COLOURS } from "../../runs/colours.js";
import type { SeriesData } from "../../runs/series.js";
import { make, short } from "./dom.js";

declare const echarts: typeof ECharts;

/** Settings of curves. */
export interface CurveOptions {
  readonly against: "iteration" | "time";
  readonly log: boolean;
  /** Weight of the past in an exponential mean, 0 for none. */
  readonly smoothing: number;
  /** The first and last place of all curves, so that charts beside each other can be compared; undefined: each has its own. */
  readonly span?: readonly [from: number, to: number] | undefined;
}

/** A curve with its name and, where it stands for the same run everywhere, its colour. */
export interface Curve {
  readonly name: string;
  readonly series: SeriesData;
  readonly colour?: string | undefined;
  /** True where its value stays until the next point. */
  readonly isStep?: boolean;
  /** True for values that are no noise, such as scores of tests: smoothing leaves them. */
  readonly isExact?: boolean;
}

/** The first and last place of the curves of a run, by iteration or time. */
export function extentOf(
  series: Readonly<Record<string, SeriesData>>,
  against: CurveOptions["against"],
): readonly [from: number, to: number] | undefined {
  // Steps of pretraining are no iterations.
  const shown = Object.entries(series).filter(([name]) => against === "time" || !name.startsWith("pretraining/"));
  const places = shown.flatMap(([, { at, seconds }]) => {
    const column = against === "time" ? seconds : at;
    return column.length > 0 ? [column[0]!, column.at(-1)!] : [];
  });
  const [from, to] = [Math.min(...places), Math.max(...places)];
  return from < to ? [from, to] : undefined;
}

const dark = matchMedia("(prefers-color-scheme: dark)");

/** Tests whether the paper is dark. */
export const isDark = (): boolean => dark.matches;

/** A panel of the page with a chart in it, drawn anew where the paper changes from light to dark. */
export class Chart {
  readonly element: HTMLElement;
  readonly #title: string;
  #chart: ECharts.ECharts | undefined;
  #option: ECharts.EChartsCoreOption | undefined;

  constructor(parent: HTMLElement, title: string, className = "") {
    this.#title = title;
    this.element = make("div");
    this.element.className = `chart ${className}`;
    this.element.setAttribute("role", "img");
    this.element.setAttribute("aria-label", title);
    parent.append(this.element);
    new ResizeObserver(() => {
      this.#chart?.resize();
      this.#chart?.setOption({ title: this.#titleOf({}) });
    }).observe(this.element);
    dark.addEventListener("change", () => {
      this.#chart?.dispose();
      this.#chart = undefined;
      if (this.#option) this.set(this.#option);
    });
  }

  /** Shows an option of ECharts; zoom and hidden curves stay as they are. */
  set(option: ECharts.EChartsCoreOption): void {
    this.#option = option;
    const isNew = this.#chart === undefined;
    this.#chart ??= echarts.init(this.element, dark.matches ? "dark" : null);
    if (isNew)
      this.#chart.getZr().on("dblclick", () => this.#chart?.dispatchAction({ type: "dataZoom", start: 0, end: 100 }));
    this.#chart.setOption(
      {
        backgroundColor: "transparent",
        animation: false,
        ...option,
        title: this.#titleOf({ text: this.#title, ...(option["title"] as object | undefined) }),
      },
      { replaceMerge: ["series"] },
    );
  }

  /** A title that is cut where the panel ends. */
  #titleOf(title: object): object {
    const width = Math.max(40, this.element.clientWidth - 24);
    return { left: 12, top: 8, ...title, textStyle: { fontSize: 14, width, overflow: "truncate" } };
  }

  remove(): void {
    this.#chart?.dispose();
    this.element.remove();
  }
}

/** An option of curves over iterations or time, with a legend above, zoom, and a tooltip of all curves. */
export function curvesOption(
  curves: readonly Curve[],
  { against, log, smoothing, span }: CurveOptions,
  unit = "",
): ECharts.EChartsCoreOption {
  return {
    color: [...COLOURS],
    grid: { left: 12, right: 24, top: 64, bottom: 40, containLabel: true },
    legend: { type: "scroll", top: 32, left: 12, right: 12, data: curves.map(({ name }) => name) },
    tooltip: { trigger: "axis", confine: true, valueFormatter: (value: unknown) => shown(value) },
    dataZoom: [
      { type: "inside", filterMode: "none" },
      { type: "slider", height: 14, bottom: 6, filterMode: "none", brushSelect: false, showDetail: false },
    ],
    xAxis: {
      type: "value",
      min: span?.[0] ?? "dataMin",
      max: span?.[1] ?? "dataMax",
      axisLabel: { hideOverlap: true, formatter: against === "time" ? (value: number) => clock(value) : undefined },
      splitLine: { show: false },
    },
    yAxis: {
      type: log ? "log" : "value",
      logBase: baseOf(curves),
      name: unit,
      scale: true,
      axisLabel: { hideOverlap: true, formatter: (value: number) => short(value) },
    },
    series: curves.map(({ name, series, colour, isStep, isExact }, i) => ({
      type: "line",
      name,
      data: pointsOf(series, against, log, isStep || isExact ? 0 : smoothing),
      showSymbol: series.at.length < 30,
      symbolSize: 5,
      step: isStep === true && "end",
      // Where the colours come round again, the dashes tell.
      lineStyle: { width: 1.5, type: DASHES[Math.floor(i / COLOURS.length) % DASHES.length]! },
      ...(colour && { itemStyle: { color: colour } }),
    })),
  };
}

const shown = (value: unknown) => (typeof value === "number" ? short(value) : String(value));

const DASHES = ["solid", "dashed", "dotted"] as const;

/** The base of a log axis: its ends are powers of it, and curves of less than a decade would be a line between 1 and 10. */
function baseOf(curves: readonly Curve[]): number {
  const above = (values: readonly number[]) => values.filter((value) => value > 0);
  const least = Math.min(...curves.map(({ series }) => Math.min(...above(series.mean))));
  const most = Math.max(...curves.map(({ series }) => Math.max(...above(series.mean))));
  // Labels are powers of the base too: small ones of two are no round numbers.
  return most / least < 50 && least > 0.03 ? 2 : 10;
}

function clock(seconds: number): string {
  if (seconds < 600) return `${Number(seconds.toPrecision(3))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 600 ? `${minutes} min` : `${Number((minutes / 60).toPrecision(3))} h`;
}

/** Points of a curve; a logarithm has no place for values that are not above 0. */
function pointsOf(
  { at, seconds, mean }: SeriesData,
  against: CurveOptions["against"],
  log: boolean,
  smoothing: number,
) {
  const xs = against === "time" ? seconds : at;
  let [past, weight] = [0, 0];
  return mean.map((value, i) => {
    past = smoothing * past + (1 - smoothing) * value;
    weight = smoothing * weight + 1 - smoothing;
    const y = past / weight;
    return [xs[i]!, log && y <= 0 ? null : y];
  });
}
