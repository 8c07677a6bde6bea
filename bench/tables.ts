import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../spec/support/shared.js";
import { GOALS } from "./averaging/goals.js";
import { tables as averagingTables } from "./averaging/report.js";
import type { Results as AveragingResults } from "./averaging/results.js";
import { table } from "./markdown.js";
import { type InferenceRow, kept } from "./results.js";
import { type Results as SparkResults, tables as sparkTables } from "./spark/report.js";
import { type Results as StepResults, speedsOf, tablesOf } from "./step/results.js";

/** A table of the docs, between `<!-- NAME: made by npm run docs -->` and `<!-- end of NAME -->`. */
interface Section {
  readonly page: string;
  readonly name: string;
  readonly text: string;
}

const json = <T>(path: string): T => JSON.parse(readFileSync(join(root, "bench", path), "utf8")) as T;

/** Names of the benches' nets for people. */
const NAMES: Readonly<Record<string, string>> = {
  squeezenet: "SqueezeNet v1.1",
  googlenet: "GoogLeNet",
  resnet50: "ResNet-50",
  mobilenet: "MobileNet v1",
  caffenet: "CaffeNet",
  lenet: "LeNet",
  cifar: "CIFAR-10 quick",
  cifar10_quick: "CIFAR-10 quick",
};
const nameOf = (net: string) => NAMES[net] ?? net;

const ms = (value: number) => value.toFixed(value < 100 ? 1 : 0);
const count = (value: number) => value.toLocaleString("en-US");

const machineOf = ({
  processor,
  cores,
  date,
}: {
  readonly processor: string;
  readonly cores: number;
  readonly date: string;
}) => `${processor}, ${cores} cores, ${date}:\n\n`;

const byTorch = ({ netrunMs, torchMs }: InferenceRow) => (netrunMs / torchMs).toFixed(2);

function inference(): string {
  const figures = kept("inference");
  const rows = figures.rows.map((row) => [
    nameOf(row.net),
    row.batch,
    ...[row.netrunMs, row.torchMs, row.openCvMs].map(ms),
    byTorch(row),
    (row.netrunMs / row.openCvMs).toFixed(2),
  ]);
  return (
    machineOf(figures) +
    table(["net", "batch", "netrun, ms", "PyTorch's ONNX", "OpenCV dnn", "netrun / PyTorch", "netrun / OpenCV"], rows)
  );
}

/** Every how many iterations the share of statistics is told. */
const INTERVAL = 100;

function statistics(): string {
  const figures = kept("statistics");
  const rows = figures.rows.map(({ net, iterationMs, withStatisticsMs }) => [
    nameOf(net),
    ms(iterationMs),
    ms(withStatisticsMs),
    `${((100 * (withStatisticsMs - iterationMs)) / (INTERVAL * iterationMs)).toFixed(2)} %`,
  ]);
  return (
    machineOf(figures) +
    table(["net", "an iteration, ms", "with statistics, ms", `share of a step, every ${INTERVAL}`], rows)
  );
}

function train(): string {
  const figures = kept("train");
  const rows = figures.rows.map(({ net, iterationMs, wait }) => [
    nameOf(net),
    ms(iterationMs),
    `${(100 * wait).toFixed(2)} %`,
  ]);
  return machineOf(figures) + table(["net, two threads", "ms an iteration", "of it waiting for data"], rows);
}

function memory(): string {
  const figures = kept("memory");
  const megabytes = (value: number | undefined) => (value === undefined ? "" : `${count(value)} MB`);
  const rows = figures.rows.map(({ net, batch, netrunMB, torchMB, vectorsMB }) => [
    `${nameOf(net)} ${batch}`,
    ...[netrunMB, torchMB, vectorsMB].map(megabytes),
  ]);
  return machineOf(figures) + table(["net, batch", "netrun", "PyTorch", "weights, gradients, history"], rows);
}

function startup(): string {
  const figures = kept("startup");
  return (
    machineOf(figures) +
    table(
      ["command", "seconds"],
      figures.rows.map(({ command, seconds }) => [command, seconds.toFixed(2)]),
    )
  );
}

function sweeps(): string {
  const figures = kept("sweep");
  const most = Math.max(...figures.rows.map(({ iterations }) => iterations));
  const rows = figures.rows.map(({ search, iterations, accuracy }) => [
    { grid: "grid, every run to the end", halving: "`--first-iterations 30`", median: "`--median-stop 30`" }[search],
    count(iterations),
    (iterations / most).toFixed(2),
    accuracy.toFixed(4),
  ]);
  return machineOf(figures) + table(["16 LeNets", "iterations", "of the grid's", "best accuracy"], rows);
}

/** The README's table: a line for each claim, with the command that measures it. */
function results(): string {
  const steps = speedsOf(json<StepResults>("results/step.json"))
    .toSorted((a, b) => b.speed - a.speed)
    .map(({ net, speed }) => `${nameOf(net)} ${speed.toFixed(2)}`);
  const files = kept("inference")
    .rows.filter(({ batch }) => batch === 1)
    .map((row) => `${nameOf(row.net)} ${byTorch(row)}`);
  const waits = kept("train").rows.map(({ net, wait }) => `${nameOf(net)} ${(100 * wait).toFixed(2)} %`);
  return table(
    ["", "result", "command"],
    [
      [
        "Caffe's numbers",
        "losses of LeNet and CIFAR-10 quick within 0.00005 % and 0.2 % over the first 20 iterations; published LeNet 0.9905 on MNIST, CIFAR-10 quick 0.5985: as in Caffe",
        "`npm run test:slow`",
      ],
      ["a training step beside PyTorch (its time by netrun's)", steps.join(", "), "`npm run bench`"],
      ["converted files beside PyTorch's export (netrun's time by its)", files.join(", "), "`npm run bench:inference`"],
      ["share of a training that waits for an LMDB", waits.join(", "), "`npm run bench:train`"],
    ],
  );
}

/** All tables of the docs that are made of figures. */
const sections = (): readonly Section[] => [
  { page: "README.md", name: "results", text: results() },
  { page: "docs/performance.md", name: "steps", text: tablesOf(json<StepResults>("results/step.json")) },
  { page: "docs/performance.md", name: "trainings", text: train() },
  { page: "docs/performance.md", name: "memory", text: memory() },
  { page: "docs/performance.md", name: "startup", text: startup() },
  { page: "docs/converting.md", name: "inference", text: inference() },
  {
    page: "docs/averaging.md",
    name: "averaging",
    text: averagingTables(json<AveragingResults>("averaging/results.json"), GOALS),
  },
  { page: "docs/runs.md", name: "statistics", text: statistics() },
  { page: "docs/sweeps.md", name: "halving", text: sweeps() },
  { page: "docs/spark.md", name: "cost", text: sparkTables(json<SparkResults>("results/spark.json")) },
];

/** Pages with their tables made anew, by their paths. Throws where a page lacks the place of one. */
export function pagesWithTables(): ReadonlyMap<string, string> {
  const pages = new Map<string, string>();
  for (const { page, name, text } of sections()) {
    const before = pages.get(page) ?? readFileSync(join(root, page), "utf8");
    const [start, end] = [`<!-- ${name}: made by npm run docs -->\n`, `\n<!-- end of ${name} -->`];
    const [from, to] = [before.indexOf(start), before.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`${page} has no place for the table "${name}"`);
    pages.set(page, `${before.slice(0, from + start.length)}${text}${before.slice(to)}`);
  }
  return pages;
}
