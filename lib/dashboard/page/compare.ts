import { COLOURS, colourAt } from "../../runs/colours.js";
import { Chart, type CurveOptions, curvesOption } from "./charts.js";
import { duration, element, make, short } from "./dom.js";
import type { ShownRun } from "./store.js";

let overlay: Chart | undefined;
let parallel: Chart | undefined;
let scroller: HTMLElement | undefined;

type Value = string | number | boolean | undefined;

/** Compares runs: a table of the settings that differ and how each went, a curve of each, and all of it as parallel coordinates. */
export function showComparison(runs: readonly ShownRun[], options: CurveOptions): void {
  const differing = namesThatDiffer(runs);
  const results = runs.map(resultsOf);
  const resultNames = [...new Set(results.flatMap((each) => Object.keys(each)))];
  const columns = [...settingColumns(runs, differing), ...resultColumns(results, resultNames)];
  const colours = coloursOf(results, resultNames);
  showTable(runs, columns, colours);
  const curve = chosenCurve(runs);
  overlay ??= new Chart(element("run-charts"), "", "wide");
  overlay.set({
    ...curvesOption(
      runs.flatMap(({ name, digest }, i) => {
        const series = digest.series[curve];
        const isExact = /^(?:test|memory)\b|lr$/.test(curve);
        return series ? [{ name, series, colour: colours[i]!, isExact }] : [];
      }),
      options,
    ),
    title: { text: curve },
  });
  if (runs.length < 2) {
    scroller?.remove();
    [parallel, scroller] = [undefined, undefined];
    return;
  }
  if (!scroller) {
    scroller = make("div");
    scroller.className = "wide scroller";
    scroller.tabIndex = 0;
    element("run-charts").append(scroller);
  }
  parallel ??= new Chart(scroller, "Settings and results");
  // Axes need room for their numbers: in a narrow window they are scrolled.
  parallel.element.style.minWidth = `${columns.length * 100 + 60}px`;
  parallel.set(parallelOption(runs, columns, colours));
}

function namesThatDiffer(runs: readonly ShownRun[]): readonly string[] {
  const names = [...new Set(runs.flatMap(({ settings }) => Object.keys(settings)))];
  return names.filter((name) => new Set(runs.map(({ settings }) => settings[name])).size > 1);
}

/** The best of each score over time (the least of losses), and the time. */
function resultsOf({ digest }: ShownRun): Readonly<Record<string, number>> {
  const scores = Object.entries(digest.series).filter(([name]) => name.startsWith("test"));
  const best = scores.map(([name, { min, max }]) => {
    return [`best ${name}`, isLeastBest(name) ? Math.min(...min) : Math.max(...max)] as const;
  });
  const loss = digest.series["train/smoothed loss"]?.mean.at(-1);
  return { ...Object.fromEntries(best), ...(loss !== undefined && { "smoothed loss": loss }), seconds: digest.seconds };
}

/** Values of a setting or result by run, for a column of the table and an axis. */
interface Column {
  readonly name: string;
  /** In full, where the name is a part of it. */
  readonly title: string;
  readonly values: readonly Value[];
}

/** A field of a layer by its layer's name and its own: `ip1.num_output` of `net.layer.ip1.inner_product_param.num_output`. */
const shortName = (path: string): string =>
  path.replace(/^net\.(layer\.)?/, "").replace(/\.[a-z0-9_]+_param(?=\.)/g, "");

function settingColumns(runs: readonly ShownRun[], names: readonly string[]): readonly Column[] {
  const shortened = names.map(shortName);
  return names.map((title, i) => {
    const isUnique = shortened.filter((each) => each === shortened[i]).length === 1;
    return { name: isUnique ? shortened[i]! : title, title, values: runs.map(({ settings }) => settings[title]) };
  });
}

const resultColumns = (
  results: readonly Readonly<Record<string, number>>[],
  names: readonly string[],
): readonly Column[] =>
  names.map((title) => ({
    name: title === "seconds" ? "time" : title,
    title,
    values: results.map((each) => each[title]),
  }));

const isLeastBest = (name: string): boolean => /loss|err/i.test(name);

/** A colour for each run; of more runs than there are colours, shades by their first score: the best are dark. */
function coloursOf(results: readonly Readonly<Record<string, number>>[], names: readonly string[]): readonly string[] {
  const metric = names.find((name) => name.startsWith("best") && !isLeastBest(name)) ?? names[0];
  if (results.length <= COLOURS.length || metric === undefined) return results.map((_, i) => colourAt(i));
  const sign = isLeastBest(metric) ? -1 : 1;
  const score = (i: number) => sign * (results[i]![metric] ?? -sign * Number.POSITIVE_INFINITY);
  const order = results.map((_, i) => i).sort((a, b) => score(b) - score(a));
  return results.map((_, i) => shadeAt(order.indexOf(i) / (results.length - 1)));
}

/** Blue, violet and orange: seen on light and dark paper. */
const SHADES = [
  [0, 114, 178],
  [166, 120, 200],
  [213, 94, 0],
] as const;

/** A colour from the first to the last shade; 0 is the best. */
function shadeAt(place: number): string {
  const index = Math.min(Math.floor(2 * place), 1);
  const part = 2 * place - index;
  const mixed = SHADES[index]!.map((from, i) => Math.round(from + part * (SHADES[index + 1]![i]! - from)));
  return `rgb(${mixed.join(",")})`;
}

let sortedBy: { readonly name: string; readonly isDown: boolean } | undefined;

function showTable(runs: readonly ShownRun[], columns: readonly Column[], colours: readonly string[]): void {
  const all: readonly Column[] = [
    { name: "run", title: "run", values: runs.map(({ name }) => name) },
    { name: "status", title: "status", values: runs.map(({ status }) => status) },
    { name: "iteration", title: "iteration", values: runs.map(({ digest }) => digest.iteration) },
    ...columns,
  ];
  const cellText = ({ title }: Column, value: Value) =>
    title === "seconds" ? duration(value as number) : title === "iteration" ? String(value) : text(value);
  const order = runs.map((_, i) => i);
  const by = all.find(({ title }) => title === sortedBy?.name);
  if (by) order.sort((a, b) => (sortedBy!.isDown ? -1 : 1) * compareValues(by.values[a], by.values[b]) || a - b);
  const rows = order.map((i) => all.map((column) => cellText(column, column.values[i])));
  const table = element("run-table");
  const key = JSON.stringify([all.map(({ name }) => name), rows, sortedBy, colours]);
  if (table.dataset["shown"] === key) return;
  table.dataset["shown"] = key;
  const focused = table.contains(document.activeElement) ? (document.activeElement as HTMLElement).title : undefined;
  const again = () => showTable(runs, columns, colours);
  const head = all.map((column) => headOf(column, again));
  const body = rows.map((cells, row) => {
    const swatch = make("span");
    swatch.className = "swatch";
    swatch.style.background = colours[order[row]!]!;
    const [name, ...rest] = cells;
    const first = make("td", "", [swatch, document.createTextNode(name!)]);
    return make("tr", "", [first, ...rest.map((cell) => make("td", cell))]);
  });
  table.replaceChildren(make("thead", "", [make("tr", "", head)]), make("tbody", "", body));
  if (focused !== undefined) [...table.querySelectorAll("button")].find(({ title }) => title === focused)?.focus();
}

/** The head of a column: a click sorts by it, numbers the greatest first, and again the other way. */
function headOf({ name, title, values }: Column, changed: () => void): HTMLElement {
  const button = make("button", name);
  button.type = "button";
  button.title = title;
  const isNumber = values.some((value) => typeof value === "number") && !isLeastBest(title);
  button.addEventListener("click", () => {
    sortedBy = { name: title, isDown: sortedBy?.name === title ? !sortedBy.isDown : isNumber };
    changed();
  });
  const head = make("th", "", [button]);
  if (sortedBy?.name === title) head.setAttribute("aria-sort", sortedBy.isDown ? "descending" : "ascending");
  return head;
}

const { compare: compareTexts } = new Intl.Collator("en", { numeric: true });

/** The order of values; runs without one are the least. */
function compareValues(a: Value, b: Value): number {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  return typeof a === "number" && typeof b === "number" ? a - b : compareTexts(String(a), String(b));
}

const text = (value: Value): string =>
  value === undefined ? "" : typeof value === "number" ? short(value) : String(value);

/** The curve to overlay; the list has those that any run has. */
function chosenCurve(runs: readonly ShownRun[]): string {
  const select = element<HTMLSelectElement>("curve");
  const names = [...new Set(runs.flatMap(({ digest }) => Object.keys(digest.series)))];
  if (select.dataset["names"] !== names.join("\n")) {
    const before = select.value;
    select.dataset["names"] = names.join("\n");
    select.replaceChildren(...names.map((name) => make("option", name)));
    select.value = names.includes(before)
      ? before
      : (names.find((name) => name === "train/smoothed loss") ?? names[0] ?? "");
  }
  return select.value;
}

/** Parallel coordinates: an axis a setting that differs and a result, a line a run. */
function parallelOption(runs: readonly ShownRun[], columns: readonly Column[], colours: readonly string[]) {
  const isNumeric = ({ values }: Column) => values.every((value) => value === undefined || typeof value === "number");
  return {
    parallel: { left: 48, right: 90, top: 96, bottom: 28 },
    tooltip: { confine: true },
    parallelAxis: columns.map((column, dim) => {
      const { name, values } = column;
      const common = {
        dim,
        name,
        nameRotate: 15,
        nameTextStyle: { fontSize: 11 },
        nameTruncate: { maxWidth: 150, ellipsis: "…" },
      };
      if (!isNumeric(column)) return { ...common, type: "category", data: [...new Set(values.map(text))] };
      const numbers = values.filter((value): value is number => typeof value === "number");
      // Rates and decays lie powers of ten apart.
      const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
      const isLog = least > 0 && most / least >= 20;
      const minInterval = numbers.every(Number.isInteger) ? 1 : 0;
      return {
        ...common,
        type: isLog ? "log" : "value",
        scale: true,
        minInterval,
        axisLabel: { formatter: short, hideOverlap: true },
      };
    }),
    series: runs.map(({ name }, i) => ({
      type: "parallel",
      name,
      lineStyle: { width: 2, opacity: 0.9, color: colours[i]! },
      // A run without a value has a gap at that axis.
      data: [columns.map((column) => (isNumeric(column) ? (column.values[i] ?? "-") : text(column.values[i])))],
    })),
  };
}
