import { type Digest, replicaCurve } from "../../runs/digest.js";
import { Chart, type Curve, type CurveOptions, curvesOption } from "./charts.js";
import { element, fillFacts, fillTable, short } from "./dom.js";
import { fillNotes } from "./overview.js";
import type { ShownRun } from "./store.js";

const charts = new Map<string, Chart>();

/** Curves of all replicas by chart: names in the digest, and how the page calls them. */
const CHARTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "Rows per second": { "round/rows per second": "all replicas" },
  "Milliseconds of a round": {
    "round/computeMs": "compute (mean)",
    "round/waitMs": "wait (mean)",
    "round/sendMs": "send",
    "round/averageMs": "average",
    "round/slowestMs": "slowest replica",
  },
  "Spread of the replicas' weights before averaging": { "round/spread": "RMS distance from the mean" },
  "Loss of a round": { "round/loss": "mean of the replicas" },
};

/** Curves of each replica by chart. */
const OWN = {
  "Rows per second of each replica": "rows per second",
  "Milliseconds that each replica computed": "computeMs",
  "Milliseconds that each replica waited": "waitMs",
  "Loss of each replica": "loss",
} as const;

/** The replicas that the digest has curves of. */
function replicasOf({ series }: Digest): readonly number[] {
  const found = Object.keys(series).flatMap((name) => /^replica (\d+)\/computeMs$/.exec(name)?.[1] ?? []);
  return found.map(Number).sort((a, b) => a - b);
}

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
  const own = hasRounds ? replicasOf(digest) : [];
  showTable(digest, own);
  const all = new Map<string, readonly Curve[]>();
  const curve = (key: string, name: string) => (series[key] ? [{ name, series: series[key] }] : []);
  for (const [title, names] of Object.entries(CHARTS))
    all.set(
      title,
      Object.entries(names).flatMap(([key, name]) => curve(key, name)),
    );
  for (const [title, what] of Object.entries(OWN))
    all.set(
      title,
      own.flatMap((replica) => curve(replicaCurve(replica, what), `replica ${replica}`)),
    );
  for (const [title, curves] of all) {
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

const HEAD = [
  "last round",
  "rows/s",
  "compute, ms",
  "wait, ms",
  "send, ms",
  "average, ms",
  "loss",
  "redone",
  "dropped",
];

/** A row a replica, and one for all of them: sending and averaging are for all at once. */
function showTable({ series, lost }: Digest, replicas: readonly number[]): void {
  const last = (name: string) => {
    const value = series[name]?.mean.at(-1);
    return value === undefined ? "" : short(value);
  };
  const times = (kind: "redone" | "dropped", of: readonly number[]) =>
    String(of.reduce((sum, replica) => sum + (lost[replica]?.[kind] ?? 0), 0));
  const rows = replicas.map((replica) => {
    const own = (what: Parameters<typeof replicaCurve>[1]) => last(replicaCurve(replica, what));
    const counts = [times("redone", [replica]), times("dropped", [replica])];
    return [
      `replica ${replica}`,
      own("rows per second"),
      own("computeMs"),
      own("waitMs"),
      "",
      "",
      own("loss"),
      ...counts,
    ];
  });
  const all = ["rows per second", "computeMs", "waitMs", "sendMs", "averageMs", "loss"].map((name) =>
    last(`round/${name}`),
  );
  const everyone = Object.keys(lost).map(Number);
  const sum = ["all", ...all, times("redone", everyone), times("dropped", everyone)];
  fillTable(element("replica-table"), HEAD, rows.length > 0 ? [...rows, sum] : []);
}
