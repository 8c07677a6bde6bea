/**
 * The evidence on averaging. Each command adds to bench/averaging/results.json; `report` makes the tables and the plots of it.
 *   npm run bench:averaging -- grid SUBJECT K,K TAU,TAU ITERATIONS EVERY [history]
 *       accuracy on the test data for each K and TAU: the same numbers however busy the machine is. A cell that is there is not
 *       trained again, and goes on from its snapshot where it is to be longer: the command may be stopped at any time.
 *   npm run bench:averaging -- speed SUBJECT K,K      what an iteration and averaging take; best of all runs
 *   npm run bench:averaging -- throughput SUBJECT     the same for two replicas of one thread and for one of two threads
 *   npm run bench:averaging -- cost                   a round's overhead, for LeNet's size and for 61 million parameters
 *   npm run bench:averaging -- report
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { type Cost, measureCost } from "./cost.js";
import { GOALS } from "./goals.js";
import { type Cell, isRunOf, type Subject, trainCell } from "./grid.js";
import { plot } from "./plot.js";
import { tables } from "./report.js";
import type { Results } from "./results.js";
import { measureSpeed, type Speed } from "./speed.js";

const SHARED = "../shared/zoo";
const SUBJECTS: Readonly<Record<string, Subject>> = {
  cifar10: {
    solver: "models/cifar10/solver.prototxt",
    data: `${SHARED}/cifar10/cifar10_train_lmdb`,
    testData: `${SHARED}/cifar10/cifar10_test_lmdb`,
    testBatches: 20,
  },
  mnist: {
    solver: "models/mnist/solver.prototxt",
    data: `${SHARED}/mnist/mnist_train_lmdb`,
    testData: `${SHARED}/mnist/mnist_test_lmdb`,
    testBatches: 20,
  },
  digits: {
    solver: "models/mnist/solver.prototxt",
    data: "netrun:digits/train",
    testData: "netrun:digits/test",
    testBatches: 20,
  },
};

const FOLDER = "bench/averaging";
const FILE = `${FOLDER}/results.json`;

const load = (): Results => ({
  costs: [],
  runs: [],
  speeds: [],
  ...(existsSync(FILE) ? (JSON.parse(readFileSync(FILE, "utf8")) as Partial<Results>) : {}),
});

/** Adds to what is in the file now: another command may have written it meanwhile. */
function add(change: (results: Results) => Partial<Results>): void {
  const results = load();
  writeFileSync(`${FILE}.new`, `${JSON.stringify({ ...results, ...change(results) }, undefined, 1)}\n`);
  renameSync(`${FILE}.new`, FILE);
}

const numbers = (list: string | undefined): readonly number[] => (list ?? "").split(",").map(Number);

function subjectOf(name: string | undefined): Subject {
  const subject = SUBJECTS[name ?? ""];
  if (!subject) throw new Error(`which subject? there are ${Object.keys(SUBJECTS).join(", ")}`);
  return subject;
}

async function grid([name, workers, intervals, iterations, every, history]: readonly string[]): Promise<void> {
  const subject = subjectOf(name);
  const limits = { iterations: Number(iterations ?? 300), every: Number(every ?? 25) };
  for (const interval of numbers(intervals)) {
    for (const k of numbers(workers)) {
      const averageHistory = history === "history";
      const cell: Cell = { subject: name!, workers: k, interval: k === 1 ? 1 : interval, averageHistory, ...limits };
      const before = load().runs.find((run) => isRunOf(cell, run));
      if (before && before.iterations >= cell.iterations) continue;
      const run = await trainCell(cell, subject, before);
      add(({ runs }) => ({ runs: [...runs.filter((other) => !isRunOf(cell, other)), run] }));
      const points = run.points.map(({ iteration, accuracy }) => `${iteration}: ${accuracy.toFixed(3)}`).join(", ");
      console.log(
        `${new Date().toISOString()} K ${k}, TAU ${cell.interval}${averageHistory ? ", history" : ""}; ${points}`,
      );
    }
  }
}

async function speed([name, workers]: readonly string[]): Promise<void> {
  for (const k of numbers(workers)) {
    const measured = await measureSpeed(name!, subjectOf(name), k);
    console.log(measured);
    keep(measured);
  }
}

/** Two replicas of one thread, and one of two. */
async function throughput([name]: readonly string[]): Promise<void> {
  for (const [workers, threads] of [
    [2, 1],
    [1, 2],
  ] as const) {
    const measured = await measureSpeed(name!, subjectOf(name), workers, threads);
    console.log(measured);
    keep(measured);
  }
}

/** The faster of two measurements of the same counts: other programs only slow one down. */
function keep(measured: Speed): void {
  const isSame = (other: Speed) =>
    (["subject", "workers", "threads"] as const).every((key) => other[key] === measured[key]);
  add(({ speeds }) => {
    const before = speeds.find(isSame);
    if (before && before.iterationMs <= measured.iterationMs) return {};
    return { speeds: [...speeds.filter((other) => !isSame(other)), measured] };
  });
}

async function cost(): Promise<void> {
  const costs: Cost[] = [];
  for (const [inputs, outputs, rounds] of [
    [431, 1000, 300],
    [6100, 10_000, 8],
  ] as const) {
    for (const isolation of ["thread", "process"] as const) {
      const measured = await measureCost(inputs, outputs, isolation, rounds);
      console.log(measured);
      costs.push(measured);
    }
  }
  add(() => ({ costs }));
}

const [command, ...args] = process.argv.slice(2);
if (command === "cost") await cost();
else if (command === "grid") await grid(args);
else if (command === "speed") await speed(args);
else if (command === "throughput") await throughput(args);
else if (command === "report") {
  const results = load();
  console.log(tables(results, GOALS));
  writeFileSync(`${FOLDER}/accuracy.svg`, plot(results));
} else throw new Error("which command? grid, speed, throughput, cost or report");
