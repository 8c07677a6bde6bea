/**
 * The evidence on averaging. Each command adds to bench/averaging/results.json; `report` makes the tables and the plot of it.
 *   npm run bench:averaging -- cost                     a round's overhead, for LeNet's size and for 61 million parameters
 *   npm run bench:averaging -- grid SUBJECT K,K TAU,TAU ITERATIONS EVERY [history]     accuracy for each K and TAU
 *   npm run bench:averaging -- throughput SUBJECT       two replicas of one thread against one of two threads
 *   npm run bench:averaging -- report
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { measureCost, type Cost } from "./cost.js";
import { type GridRun, type Subject, trainGrid } from "./grid.js";
import { plot, tables } from "./report.js";

const SHARED = "../shared/zoo";
const SUBJECTS: Readonly<Record<string, Subject>> = {
  cifar10: {
    solver: "models/cifar10/solver.prototxt",
    data: `${SHARED}/cifar10/cifar10_train_lmdb`,
    testData: `${SHARED}/cifar10/cifar10_test_lmdb`,
    accuracy: 0.5,
  },
  mnist: {
    solver: "models/mnist/solver.prototxt",
    data: `${SHARED}/mnist/mnist_train_lmdb`,
    testData: `${SHARED}/mnist/mnist_test_lmdb`,
    accuracy: 0.95,
  },
  digits: {
    solver: "models/mnist/solver.prototxt",
    data: "netrun:digits/train",
    testData: "netrun:digits/test",
    accuracy: 0.85,
  },
};

/** All that was measured. */
export interface Results {
  costs: Cost[];
  runs: GridRun[];
  throughput: { readonly subject: string; readonly two: number; readonly one: number }[];
}

const FILE = "bench/averaging/results.json";
const results: Results = existsSync(FILE)
  ? (JSON.parse(readFileSync(FILE, "utf8")) as Results)
  : { costs: [], runs: [], throughput: [] };
const save = () => writeFileSync(FILE, `${JSON.stringify(results, undefined, 1)}\n`);

const numbers = (list: string | undefined): readonly number[] => (list ?? "").split(",").map(Number);

function subjectOf(name: string | undefined): Subject {
  const subject = SUBJECTS[name ?? ""];
  if (!subject) throw new Error(`which subject? there are ${Object.keys(SUBJECTS).join(", ")}`);
  return subject;
}

async function cost(): Promise<void> {
  results.costs = [];
  for (const [inputs, outputs, rounds] of [
    [431, 1000, 40],
    [6100, 10_000, 8],
  ] as const) {
    for (const isolation of ["thread", "process"] as const) {
      const measured = await measureCost(inputs, outputs, isolation, rounds);
      console.log(measured);
      results.costs.push(measured);
      save();
    }
  }
}

async function grid([name, workers, intervals, iterations, every, history]: readonly string[]): Promise<void> {
  const subject = subjectOf(name);
  const limits = { iterations: Number(iterations ?? 200), every: Number(every ?? 20) };
  const averageHistory = history === "history";
  for (const k of numbers(workers)) {
    // One replica alone has nothing to average.
    for (const interval of k === 1 ? [10] : numbers(intervals)) {
      const run = await trainGrid(name!, subject, { workers: k, interval, averageHistory }, limits);
      const isSame = (other: GridRun) =>
        other.subject === name &&
        other.workers === k &&
        other.interval === interval &&
        other.averageHistory === averageHistory;
      results.runs = [...results.runs.filter((other) => !isSame(other)), run];
      save();
      const points = run.points.map(({ iteration, accuracy }) => `${iteration}: ${accuracy.toFixed(3)}`).join(", ");
      console.log(`K ${k}, TAU ${interval}: ${Math.round(run.imagesPerSecond)} images/s; ${points}`);
    }
  }
}

async function throughput([name]: readonly string[]): Promise<void> {
  const subject = subjectOf(name);
  const measure = async (workers: number, threads: number) => {
    const limits = { iterations: 30, every: 1000, threads };
    return (await trainGrid(name!, subject, { workers, interval: 10, averageHistory: false }, limits)).imagesPerSecond;
  };
  // Alternating, so that other programs disturb both alike; the best of each counts.
  const two: number[] = [];
  const one: number[] = [];
  for (let i = 0; i < 3; i++) {
    two.push(await measure(2, 1));
    one.push(await measure(1, 2));
  }
  const entry = { subject: name!, two: Math.max(...two), one: Math.max(...one) };
  results.throughput = [...results.throughput.filter(({ subject: other }) => other !== name), entry];
  save();
  console.log(entry);
}

const [command, ...args] = process.argv.slice(2);
if (command === "cost") await cost();
else if (command === "grid") await grid(args);
else if (command === "throughput") await throughput(args);
else if (command === "report") {
  const goals = Object.fromEntries(Object.entries(SUBJECTS).map(([name, { accuracy }]) => [name, accuracy]));
  console.log(tables(results, goals));
  writeFileSync("bench/averaging/accuracy.svg", plot(results.runs));
} else throw new Error("which command? cost, grid, throughput or report");
