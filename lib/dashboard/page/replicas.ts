import { Chart, type CurveOptions, curvesOption } from "./charts.js";
import { element, fillFacts, short } from "./dom.js";
import { fillNotes } from "./overview.js";
import type { ShownRun } from "./store.js";

const charts = new Map<string, Chart>();

/** Curves by chart: names in the digest, and how the page calls them. */
const CHARTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "Rows per second": { "round/rows per second": "all replicas" },
  "Milliseconds of a round": {
    "round/computeMs": "compute (mean)",
    "round/waitMs": "wait",
    "round/sendMs": "send",
    "round/averageMs": "average",
    "round/slowestMs": "slowest replica",
  },
  "Spread of the replicas' weights before averaging": { "round/spread": "RMS distance from the mean" },
  "Loss of a round": { "round/loss": "mean of the replicas" },
};

/** Shows the rounds of several replicas, whatever they run on. */
export function showReplicas({ digest }: ShownRun, options: CurveOptions): void {
  const { start, series, notes } = digest;
  const hasRounds = "round/loss" in series;
  element("no-rounds").hidden = hasRounds;
  const replicas = start?.replicas;
  fillFacts(
    element("replica-facts"),
    hasRounds && replicas
      ? [
          ["Replicas", `${replicas.count} (${replicas.isolation})`],
          ["Iterations a round", replicas.syncInterval === undefined ? undefined : String(replicas.syncInterval)],
          ["Averaging", replicas.averaging],
          ["Lost replicas", replicas.onWorkerLoss],
          ["Rows per second", short(Math.round(series["round/rows per second"]?.mean.at(-1) ?? 0))],
        ]
      : [],
  );
  for (const [title, names] of Object.entries(CHARTS)) {
    const curves = Object.entries(names).flatMap(([key, name]) => (series[key] ? [{ name, series: series[key] }] : []));
    if (curves.length === 0) {
      charts.get(title)?.remove();
      charts.delete(title);
      continue;
    }
    const chart = charts.get(title) ?? new Chart(element("replica-charts"), title);
    charts.set(title, chart);
    chart.set(curvesOption(curves, options));
  }
  fillNotes(
    element("lost"),
    notes.filter(({ kind }) => kind === "replica-lost"),
  );
}
