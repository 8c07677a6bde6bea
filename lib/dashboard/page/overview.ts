import type { Digest } from "../../runs/digest.js";
import type { SeriesData } from "../../runs/series.js";
import { Chart, type CurveOptions, curvesOption } from "./charts.js";
import { bytes, duration, element, fillFacts, make, short } from "./dom.js";
import type { ShownRun } from "./store.js";

/** Charts of the overview by title. */
const charts = new Map<string, Chart>();

const PRETRAINING = "Pretraining: reconstruction error by step";

/** Places of charts, whatever came first; scores are between the loss and the rate. */
const PLACES: Readonly<Record<string, number>> = {
  Loss: 0,
  [PRETRAINING]: 0,
  "Learning rate": 2,
  "Rows per second": 3,
  "Waiting for data, % of the time": 4,
  "Memory, MiB": 5,
};

/** A chart for losses, one for each other score, then the rate, speed and waiting. */
function groupsOf(series: Readonly<Record<string, SeriesData>>): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  const put = (title: string, name: string) => groups.set(title, [...(groups.get(title) ?? []), name]);
  for (const name of Object.keys(series)) {
    const [kind = "", rest = ""] = name.split(/\/(.*)/s);
    if (name === "train/lr") continue;
    if (kind === "pretraining") put(PRETRAINING, name);
    else if (kind === "train" || (kind.startsWith("test") && /loss/i.test(rest))) put("Loss", name);
    else if (kind.startsWith("test")) put(rest, name);
  }
  // The training's own curves first, in an order that does not depend on what came when.
  groups.get("Loss")?.sort((a, b) => Number(b.startsWith("train")) - Number(a.startsWith("train")) || (a < b ? -1 : 1));
  if ("train/lr" in series) put("Learning rate", "train/lr");
  if ("speed/rows per second" in series) put("Rows per second", "speed/rows per second");
  for (const name of ["memory/resident MiB", "memory/device MiB"]) if (name in series) put("Memory, MiB", name);
  if ("speed/data wait %" in series) put("Waiting for data, % of the time", "speed/data wait %");
  return groups;
}

/** Measured memory and whose it is, or the estimate of a log that has no measurement. */
function memoryFacts({ start, memory }: Digest): readonly (readonly [string, string | undefined])[] {
  if (!memory) return [["Memory", start && `${bytes(start.memory.parameters + start.memory.blobs)} (estimate)`]];
  const { resident, processes, device } = memory;
  const isCluster = start?.replicas.isolation === "spark";
  const whose = isCluster ? "the driver" : processes === 1 ? "1 process" : `${processes} processes`;
  return [
    ["Memory", `${bytes(resident)} (${whose})`],
    ["Memory of GPUs", device === undefined ? undefined : bytes(device)],
  ];
}

/** Shows how a run goes. */
export function showOverview({ digest, status }: ShownRun, options: CurveOptions): void {
  const { start, series, best } = digest;
  const loss = series["train/smoothed loss"]?.mean.at(-1);
  const maxIter = start?.solver.maxIter;
  const done = digest.iteration - (start?.iteration ?? 0);
  const seconds = digest.seconds - digest.before;
  const left = maxIter !== undefined && done > 0 ? ((maxIter - digest.iteration) * seconds) / done : undefined;
  const last = (name: string) => series[name]?.mean.at(-1);
  const [speed, wait] = [last("speed/rows per second"), last("speed/data wait %")];
  fillFacts(element("facts"), [
    ["Net", start?.net.name],
    ["Status", status],
    ["Iteration", maxIter === undefined ? String(digest.iteration) : `${digest.iteration} of ${maxIter}`],
    ["Smoothed loss", loss === undefined ? undefined : short(loss)],
    ...Object.entries(digest.scores).map(([name, value]) => [name, short(value)] as const),
    ["Best", best && `${best.metric} ${short(best.value)} at ${best.iteration}`],
    ["Learning rate", last("train/lr") === undefined ? undefined : short(last("train/lr")!)],
    ["Rows per second", speed === undefined ? undefined : short(Math.round(speed))],
    ["Waiting for data", wait === undefined ? undefined : `${wait.toFixed(1)} %`],
    ["Time", duration(digest.seconds)],
    ["Time left", status === "running" && left !== undefined ? duration(left) : undefined],
    ...memoryFacts(digest),
    ["Parameters", start?.net.parameters.toLocaleString("en")],
  ]);
  const groups = groupsOf(series);
  for (const [title, names] of groups) {
    let chart = charts.get(title);
    if (!chart) {
      chart = new Chart(element("overview-charts"), title);
      chart.element.style.order = String(PLACES[title] ?? 1);
      charts.set(title, chart);
    }
    const curves = names.map((name) => ({
      name,
      series: series[name]!,
      isStep: name === "train/lr",
      isExact: /^(?:test|memory)\b/.test(name),
    }));
    const canLog = title === "Loss" || title === "Learning rate";
    const span = title === PRETRAINING && options.against === "iteration" ? undefined : options.span;
    chart.set(curvesOption(curves, { ...options, span, log: options.log && canLog }));
  }
  for (const [title, chart] of charts) {
    if (groups.has(title)) continue;
    chart.remove();
    charts.delete(title);
  }
  fillNotes(
    element("notes"),
    digest.notes.filter(({ kind }) => kind !== "snapshot"),
  );
  const snapshots = digest.snapshots.map(({ kind, iteration, paths }) => ({ kind, iteration, text: paths.state }));
  // The best weights are a file of their own, above the snapshots, which may be newer.
  const bestText = best && `${best.path} (the best ${best.metric} so far, ${short(best.value)})`;
  fillNotes(element("snapshots"), [
    ...snapshots,
    ...(best ? [{ kind: best.kind, iteration: best.iteration, text: bestText! }] : []),
  ]);
}

/** Fills a list of events, the last one first. */
export function fillNotes(
  list: HTMLElement,
  notes: readonly { readonly kind: string; readonly iteration: number; readonly text: string }[],
): void {
  const text = JSON.stringify(notes);
  if (list.dataset["shown"] === text) return;
  list.dataset["shown"] = text;
  list.replaceChildren(
    ...notes.toReversed().map(({ kind, iteration, text: words }) => {
      const item = make("li", "", [make("time", String(iteration)), document.createTextNode(words)]);
      item.className = kind;
      return item;
    }),
  );
}
