import { type HistogramTrack, parameterName } from "../../runs/digest.js";
import type { LayerStatisticsEvent } from "../../train/events.js";
import { Chart, type CurveOptions, curvesOption, isDark } from "./charts.js";
import { element, make, short } from "./dom.js";
import type { ShownRun } from "./store.js";

let chosen: string | undefined;
let chosenBlob: string | undefined;
let shownRun = "";
let shownStatistics = -1;
const charts = new Map<string, Chart>();

const chartOf = (title: string): Chart => {
  const chart = charts.get(title) ?? new Chart(element("layer-charts"), title);
  charts.set(title, chart);
  return chart;
};

/** Shows a run's parameters and activations, and the net with its filters. */
export function showLayers(run: ShownRun, options: CurveOptions): void {
  last = { run, options };
  const { layers } = run.digest;
  element("no-statistics").hidden = layers !== undefined;
  // A run without statistics has no part in the charts of the one before.
  element("layer-charts").hidden = layers === undefined;
  const names = layers?.parameters.map(parameterName) ?? [];
  if (chosen === undefined || !names.includes(chosen)) chosen = names[0];
  const blobs = layers?.activations.map(({ blob }) => blob) ?? [];
  if (chosenBlob === undefined || !blobs.includes(chosenBlob)) {
    const first = layers?.activations.find(({ layer }) => layer === layers.parameters[0]?.layer);
    chosenBlob = first?.blob ?? blobs[0];
  }
  showTable(run);
  showPictures(run);
  if (!layers) return;
  const { series, histograms } = run.digest;
  const curves = (prefix: string, shown: readonly string[]) =>
    shown.flatMap((name) => {
      const found = series[`${prefix}/${name}`];
      return found ? [{ name, series: found }] : [];
    });
  const weights = names.filter((name) => name.endsWith("[0]"));
  chartOf("Update to parameter ratio, log10").set(curvesOption(curves("ratio", weights), { ...options, log: false }));
  const magnitudes = ["values", "gradients", "updates"].flatMap((kind) => {
    const found = series[`${kind}/${chosen}`];
    return found ? [{ name: kind, series: found }] : [];
  });
  const titled = (option: object, text: string) => ({ ...option, title: { text } });
  chartOf("Mean magnitudes of the chosen parameter").set(
    titled(curvesOption(magnitudes, { ...options, log: true }), `Mean magnitudes of ${chosen}`),
  );
  chartOf("Mean magnitude of activations").set(curvesOption(curves("activations", blobs), { ...options, log: true }));
  chartOf("Share of zeros in activations").set(curvesOption(curves("zeros", blobs), { ...options, log: false }));
  for (const [kind, name] of [
    ["values", chosen],
    ["gradients", chosen],
    ["updates", chosen],
    ["activations", chosenBlob],
  ]) {
    const track = histograms[`${kind}/${name}`];
    if (track)
      chartOf(`Histogram of ${kind} over time`).set(titled(histogramOption(track), `Histograms: ${kind} of ${name}`));
  }
}

const COLUMNS = ["parameter", "values", "gradients", "updates", "log10 update/value", "min", "max", "zeros"];

/** A row of the table: its cells, and how a click on it chooses it. */
interface LayerRow {
  readonly cells: readonly string[];
  readonly isChosen: boolean;
  choose(): void;
}

/** A row a parameter, and a row a blob; a click chooses one. Rows stay while their numbers change: a click needs a moment. */
function showTable(run: ShownRun): void {
  const { layers } = run.digest;
  const table = element<HTMLTableElement>("layer-table");
  const rows = layers ? rowsOf(layers) : [];
  const names = JSON.stringify([run.id, rows.map(({ cells }) => cells[0])]);
  if (table.dataset["names"] !== names) {
    table.dataset["names"] = names;
    table.replaceChildren();
    if (rows.length === 0) return;
    const head = COLUMNS.map((name) => make("th", name));
    const body = make(
      "tbody",
      "",
      rows.map(({ cells, choose }) => choosable(cells, choose)),
    );
    table.append(make("thead", "", [make("tr", "", head)]), body);
  }
  const shown = table.tBodies[0]?.rows ?? [];
  for (const [i, { cells, isChosen }] of rows.entries()) {
    const row = shown[i]!;
    row.setAttribute("aria-selected", String(isChosen));
    for (const [at, cell] of cells.entries())
      if (row.cells[at]!.textContent !== cell) row.cells[at]!.textContent = cell;
  }
}

function rowsOf({ parameters, activations }: LayerStatisticsEvent): readonly LayerRow[] {
  const number = (value: number) => (Number.isFinite(value) ? short(value) : "–");
  return [
    ...parameters.map((each) => {
      const { values, gradients, updates, ratio } = each;
      const name = parameterName(each);
      const numbers = [values.meanAbs, gradients.meanAbs, updates.meanAbs, ratio, values.min, values.max];
      const choose = () => {
        chosen = name;
      };
      return { cells: [name, ...numbers.map(number), ""], isChosen: name === chosen, choose };
    }),
    ...activations.map(({ blob, meanAbs, min, max, zeros }) => ({
      cells: [
        `${blob} (activations)`,
        number(meanAbs),
        ...["", "", "", number(min), number(max), `${(100 * zeros).toFixed(1)} %`],
      ],
      isChosen: blob === chosenBlob,
      choose: () => {
        chosenBlob = blob;
      },
    })),
  ];
}

/** A row that a click chooses, or Enter where it has the focus. */
function choosable(cells: readonly string[], choose: () => void): HTMLTableRowElement {
  const row = make(
    "tr",
    "",
    cells.map((cell) => make("td", cell)),
  );
  row.tabIndex = 0;
  const take = () => {
    choose();
    if (last) showLayers(last.run, last.options);
  };
  row.addEventListener("click", take);
  row.addEventListener("keydown", ({ key }) => {
    if (key === "Enter") take();
  });
  return row;
}

/** Run and options that are shown: a click draws them anew. */
let last: { readonly run: ShownRun; readonly options: CurveOptions } | undefined;

/** From few to many, on light and on dark paper. */
const SHADES = ["#deebf755", "#9ecae1", "#3182bd", "#08306b"];
const DARK_SHADES = ["#173a5a88", "#1f6fb2", "#6cb6ff", "#f0f8ff"];

/** Columns of time, rows of values, shades of how many. */
function histogramOption({ at, min, max, counts }: HistogramTrack) {
  const rows = 40;
  const [least, most] = [Math.min(...min), Math.max(...max)];
  const height = (most - least) / rows || 1;
  const cells = counts.flatMap((column, x) => {
    const sums = new Array<number>(rows).fill(0);
    const total = column.reduce((sum, count) => sum + count, 0) || 1;
    const width = (max[x]! - min[x]!) / column.length;
    for (const [bin, count] of column.entries()) {
      const row = Math.min(rows - 1, Math.max(0, Math.floor((min[x]! + (bin + 0.5) * width - least) / height)));
      sums[row]! += count / total;
    }
    return sums.flatMap((share, y) => (share > 0 ? [[x, y, share]] : []));
  });
  return {
    grid: { left: 12, right: 24, top: 48, bottom: 20, containLabel: true },
    tooltip: {
      confine: true,
      formatter: ({ data: [x, y, share] }: { data: [number, number, number] }) =>
        `iteration ${at[x]}: ${(100 * share).toFixed(2)} % near ${short(least + (y + 0.5) * height)}`,
    },
    xAxis: { type: "category", data: at.map(String), axisLabel: { hideOverlap: true } },
    yAxis: {
      type: "category",
      data: Array.from({ length: rows }, (_, i) => short(least + (i + 0.5) * height)),
      axisLabel: { interval: 7 },
    },
    visualMap: {
      show: false,
      min: 0,
      max: cells.reduce((greatest, [, , share]) => Math.max(greatest, share!), 0) ** 0.5,
      dimension: 3,
      inRange: { color: isDark() ? DARK_SHADES : SHADES },
    },
    // Shades go by the root: tails show beside the middle.
    series: [{ type: "heatmap", data: cells.map((cell) => [...cell, cell[2]! ** 0.5]), progressive: 0 }],
  };
}

/** The net once a run; the filters as often as there are statistics. */
function showPictures(run: ShownRun): void {
  const at = run.digest.layers?.iteration ?? run.digest.snapshots.length;
  if (run.id !== shownRun) {
    element("activations").replaceChildren();
    const drawing = new Image();
    drawing.alt = `The net ${run.digest.start?.net.name ?? ""}`;
    drawing.src = `drawing/${run.id}`;
    drawing.addEventListener("error", () =>
      element("drawing").replaceChildren(make("p", "Only the log of this run is known.")),
    );
    const place = element("drawing");
    // It is scrolled by keys too.
    place.tabIndex = 0;
    place.replaceChildren(drawing);
  }
  if (run.id === shownRun && at === shownStatistics) return;
  shownRun = run.id;
  shownStatistics = at;
  const filters = element<HTMLImageElement>("filters");
  const show = (isThere: boolean) => () => {
    filters.hidden = !isThere;
    element("no-filters").hidden = isThere;
  };
  filters.onload = show(true);
  filters.onerror = show(false);
  filters.src = `filters/${run.id}?${at}`;
}

interface ShownBlob {
  readonly name: string;
  readonly shape: readonly number[];
  readonly png?: string;
  readonly values?: readonly number[];
}

/** Has images that are dropped on the page go through the net of the run that is shown. */
export function acceptImages(runOf: () => ShownRun | undefined): void {
  const [drop, file] = [element("drop"), element<HTMLInputElement>("file")];
  const send = async (image: Blob | undefined) => {
    const run = runOf();
    if (!image || !run) return;
    const error = element("drop-error");
    const answer = await fetch(`activations/${run.id}`, { method: "POST", body: image });
    error.hidden = answer.ok;
    if (answer.ok) showBlobs((await answer.json()) as ShownBlob[]);
    else error.textContent = answer.status === 404 ? "There are no weights of this run yet." : await answer.text();
  };
  file.addEventListener("change", () => void send(file.files?.[0]));
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    void send(event.dataTransfer?.files[0]);
  });
}

const MOST_VALUES = 10;

function showBlobs(blobs: readonly ShownBlob[]): void {
  const figures = blobs.map(({ name, shape, png, values }) => {
    const caption = make("figcaption", `${name} ${shape.join(" × ")}`);
    if (png === undefined) return make("figure", "", [caption, barsOf(values ?? [])]);
    const image = new Image();
    image.src = `data:image/png;base64,${png}`;
    image.alt = `Activations of ${name}`;
    return make("figure", "", [caption, image]);
  });
  element("activations").replaceChildren(...figures);
}

/** The greatest values, with their indices. */
function barsOf(values: readonly number[]): HTMLElement {
  const best = values.map((value, index) => ({ value, index })).sort((a, b) => b.value - a.value);
  const most = Math.max(Number.MIN_VALUE, ...values.map(Math.abs));
  const rows = best.slice(0, MOST_VALUES).map(({ value, index }) => {
    const meter = make("meter");
    meter.max = most;
    meter.value = Math.max(0, value);
    return make("tr", "", [make("td", String(index)), make("td", short(value)), make("td", "", [meter])]);
  });
  return make("table", "", rows);
}
