import { colourAt } from "../../runs/colours.js";
import { Chart, type CurveOptions, curvesOption } from "./charts.js";
import { duration, element, make, short } from "./dom.js";
import type { ShownRun } from "./store.js";

let overlay: Chart | undefined;
let parallel: Chart | undefined;

type Value = string | number | boolean | undefined;

/** Compares runs: a table of the settings that differ and how each went, a curve of each, and all of it as parallel coordinates. */
export function showComparison(runs: readonly ShownRun[], options: CurveOptions): void {
  const differing = namesThatDiffer(runs);
  const results = runs.map(resultsOf);
  const resultNames = [...new Set(results.flatMap((each) => Object.keys(each)))];
  showTable(runs, differing, results, resultNames);
  const curve = chosenCurve(runs);
  overlay ??= new Chart(element("run-charts"), "", "wide");
  overlay.set({
    ...curvesOption(
      runs.flatMap(({ name, digest }, i) => {
        const series = digest.series[curve];
        return series ? [{ name: `${name}`, series, colour: colourAt(i) }] : [];
      }),
      options,
    ),
    title: { text: curve, left: 12, top: 8, textStyle: { fontSize: 14 } },
  });
  if (runs.length < 2) {
    parallel?.remove();
    parallel = undefined;
    return;
  }
  parallel ??= new Chart(element("run-charts"), "Settings and results", "wide");
  parallel.set(parallelOption(runs, differing, results, resultNames));
}

function namesThatDiffer(runs: readonly ShownRun[]): readonly string[] {
  const names = [...new Set(runs.flatMap(({ settings }) => Object.keys(settings)))];
  return names.filter((name) => new Set(runs.map(({ settings }) => settings[name])).size > 1);
}

/** The best of each score over time (the least of losses), and the time. */
function resultsOf({ digest }: ShownRun): Readonly<Record<string, number>> {
  const scores = Object.entries(digest.series).filter(([name]) => name.startsWith("test"));
  const best = scores.map(([name, { min, max }]) => {
    const isLoss = /loss|err/i.test(name);
    return [`best ${name}`, isLoss ? Math.min(...min) : Math.max(...max)] as const;
  });
  const loss = digest.series["train/smoothed loss"]?.mean.at(-1);
  return { ...Object.fromEntries(best), ...(loss !== undefined && { "smoothed loss": loss }), seconds: digest.seconds };
}

function showTable(
  runs: readonly ShownRun[],
  settings: readonly string[],
  results: readonly Readonly<Record<string, number>>[],
  names: readonly string[],
): void {
  const cells = runs.map((run, i) => [
    run.name,
    run.status,
    String(run.digest.iteration),
    ...settings.map((name) => text(run.settings[name])),
    ...names.map((name) => (name === "seconds" ? duration(results[i]![name]!) : text(results[i]![name]))),
  ]);
  const head = [
    "run",
    "status",
    "iteration",
    ...settings,
    ...names.map((name) => (name === "seconds" ? "time" : name)),
  ];
  const table = element("run-table");
  const key = JSON.stringify([head, cells]);
  if (table.dataset["shown"] === key) return;
  table.dataset["shown"] = key;
  const rows = cells.map((row, i) => {
    const swatch = make("span");
    swatch.className = "swatch";
    swatch.style.background = colourAt(i);
    const [name, ...rest] = row;
    const first = make("td", "", [swatch, document.createTextNode(name!)]);
    return make("tr", "", [first, ...rest.map((cell) => make("td", cell))]);
  });
  table.replaceChildren(
    make("thead", "", [
      make(
        "tr",
        "",
        head.map((name) => make("th", name)),
      ),
    ]),
    make("tbody", "", rows),
  );
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
function parallelOption(
  runs: readonly ShownRun[],
  settings: readonly string[],
  results: readonly Readonly<Record<string, number>>[],
  names: readonly string[],
) {
  const axes = [
    ...settings.map((name) => ({ name, values: runs.map((run): Value => run.settings[name]) })),
    ...names.map((name) => ({ name, values: results.map((each): Value => each[name]) })),
  ];
  return {
    parallel: { left: 48, right: 80, top: 80, bottom: 28 },
    tooltip: { confine: true },
    parallelAxis: axes.map(({ name, values }, dim) => {
      const isNumber = values.every((value) => typeof value === "number");
      const numbers = isNumber ? (values as number[]) : [];
      // Rates and decays lie powers of ten apart.
      const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
      const common = { dim, name, nameTextStyle: { fontSize: 11 }, nameRotate: 20 };
      if (!isNumber) return { ...common, type: "category", data: [...new Set(values.map(text))] };
      const isLog = least > 0 && most / least >= 20;
      return { ...common, type: isLog ? "log" : "value", scale: true, axisLabel: { formatter: short } };
    }),
    series: runs.map(({ name }, i) => ({
      type: "parallel",
      name,
      lineStyle: { width: 2, opacity: 0.9, color: colourAt(i) },
      data: [axes.map(({ values }) => (typeof values[i] === "number" ? values[i] : text(values[i])))],
    })),
  };
}
