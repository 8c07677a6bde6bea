/**
 * Cost of a round on Spark besides its iterations: `npm run bench:spark [-- [--rounds N] [--write] FLOATS:K:MODE ...]`. A standalone
 * master and two workers on loopback, nets of one inner product, one iteration a round. With `--write` results go to
 * bench/results/spark.json, of which `npm run docs` makes the tables of docs/spark.md.
 */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeArrow } from "../../lib/data/source/arrow/write.js";
import { recordBatch } from "../../lib/data/source/columns.js";
import type { CallAnswer } from "../../lib/engine/spark/messages.js";
import { train } from "../../lib/index.js";
import { driverOf, SparkCluster, whyNoSpark } from "../../spec/support/spark.js";
import { type Cost, type Mode, PARTS, type Results } from "./report.js";

const FILE = "bench/results/spark.json";
/** Rounds that JVMs take to compile what they do most; large vectors hide it. */
const WARM_UP: Readonly<Record<string, number>> = { "0.43": 40, "61": 3 };
const ROUNDS = 10;
/** Rounds of which those in which other programs took least are kept. */
const MOST_ROUNDS: Readonly<Record<string, number>> = { "0.43": 150, "61": 16 };
const { values: flags, positionals: given } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: "string" }, write: { type: "boolean", default: false } },
});
const TICKS = 100;

/** Processor seconds of all processes of the machine so far. */
function cpuOfAll(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = readFileSync("/proc/stat", "utf8")
    .split(/\s+/, 8)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq) / TICKS;
}

/** Inputs and outputs of the inner product. */
const SIZES: Readonly<Record<string, readonly [number, number]>> = { "0.43": [860, 500], "61": [6100, 10000] };

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

/** Processor seconds of processes so far. */
function cpuOf(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      ticks += Number(fields[11]) + Number(fields[12]);
    } catch {
      // It has ended.
    }
  }
  return ticks / TICKS;
}

async function measure(cluster: SparkCluster, size: string, workers: number, mode: Mode): Promise<Cost> {
  const [inputs, outputs] = SIZES[size]!;
  const folder = mkdtempSync(join(tmpdir(), "netrun-cost-"));
  const rounds: Readonly<Record<string, number>>[] = [];
  let answers: CallAnswer[] = [];
  const note = (answer: unknown) => answers.push(answer as CallAnswer);
  subscribe("netrun:spark:answer", note);
  try {
    const rows = 2 * workers;
    const values = new Float32Array(rows * inputs).fill(0.01);
    const label = { dtype: "int32", shape: [], values: new Int32Array(rows) } as const;
    const data = join(folder, "rows.arrow");
    await writeArrow(data, [recordBatch({ data: { dtype: "float32", shape: [inputs], values }, label }, rows)]);
    const net = `
      layer { name: "in" type: "Input" top: "data" top: "label"
        input_param { shape { dim: 1 dim: ${inputs} } shape { dim: 1 } } }
      layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
        inner_product_param { num_output: ${outputs} bias_term: false } }
      layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }`;
    const solver = `net_param { ${net} } base_lr: 0.01 lr_policy: "fixed" momentum: 0.9 max_iter: ${WARM_UP[size]! + Number(flags.rounds ?? MOST_ROUNDS[size]!)}
      snapshot_after_train: false`;
    const cores = `${workers / 2}`;
    const conf = {
      "spark.executor.cores": cores,
      "spark.cores.max": `${workers}`,
      "spark.executor.memory": "2g",
      "spark.driver.memory": "2g",
    };
    const engine = cluster.engine(conf);
    let driver: number | undefined;
    let before = { own: 0, all: 0, at: 0 };
    for await (const event of train({
      solver,
      data,
      workers,
      syncInterval: 1,
      engine,
      threads: 1,
      onWorkerLoss: mode,
    })) {
      if (event.kind !== "round") continue;
      const own = cpuOf([process.pid, driver ?? 0, ...cluster.processes()]);
      const now = { own, all: cpuOfAll(), at: performance.now() / 1000 };
      driver ??= driverOf(cluster);
      const { times } = event;
      const iterations = (workers * times.computeMs) / 1000;
      const most = (of: (answer: CallAnswer) => number) => Math.max(...answers.map(of));
      rounds.push({
        overheadMs: times.totalMs - times.slowestMs,
        cpuSeconds: now.own - before.own - iterations,
        // Of a core that other programs took meanwhile: rounds in which it was most do not count.
        others: Math.max(0, now.all - before.all - (now.own - before.own)) / (now.at - before.at),
        averageMs: times.averageMs,
        broadcastMs: most((answer) => answer.broadcastMs ?? 0),
        readyMs: most((answer) => answer.readyMs ?? 0),
        exchangeMs: most((answer) => answer.callMs ?? 0) - times.slowestMs,
        storeMs: most((answer) => answer.storeMs ?? 0),
        fetchMs: most((answer) => answer.fetchMs ?? 0),
      });
      before = now;
      answers = [];
      process.stderr.write(
        `${size}:${workers}:${mode} ${JSON.stringify(rounds.at(-1), (_, value) => Number(value.toPrecision?.(3) ?? NaN) || value)}\n`,
      );
    }
  } finally {
    unsubscribe("netrun:spark:answer", note);
    rmSync(folder, { recursive: true });
  }
  const after = rounds
    .slice(WARM_UP[size]!)
    .toSorted((a, b) => a["others"]! - b["others"]!)
    .slice(0, ROUNDS);
  const of = (name: string) => Number(median(after.map((round) => round[name]!)).toPrecision(3));
  const parts = Object.fromEntries([...PARTS, "averageMs"].map((name) => [name, of(name)])) as Cost["parts"];
  const leastMs = Number(Math.min(...after.map((round) => round["overheadMs"]!)).toPrecision(3));
  return {
    floats: inputs * outputs,
    workers,
    mode,
    overheadMs: of("overheadMs"),
    leastMs,
    others: of("others"),
    cpuSeconds: of("cpuSeconds"),
    parts,
  };
}

const why = whyNoSpark();
if (why !== undefined) throw new Error(why);
const cases =
  given.length > 0 ? given : ["0.43:2:redo", "0.43:2:drop", "0.43:4:redo", "61:2:redo", "61:2:drop", "61:4:redo"];
const known: readonly Cost[] = existsSync(FILE) ? JSON.parse(readFileSync(FILE, "utf8")).costs : [];
let costs = [...known];
{
  await using cluster = await SparkCluster.start(2);
  for (const each of cases) {
    const [size = "", workers = "", mode = ""] = each.split(":");
    const cost = await measure(cluster, size, Number(workers), mode as Mode);
    const isSame = (other: Cost) =>
      other.floats === cost.floats && other.workers === cost.workers && other.mode === cost.mode;
    costs = [...costs.filter((other) => !isSame(other)), cost];
    process.stdout.write(`${each}: ${JSON.stringify(cost)}\n`);
    const results: Results = { cpu: cpus()[0]?.model ?? "", cores: cpus().length, costs };
    if (flags.write) writeFileSync(FILE, `${JSON.stringify(results, undefined, 2)}\n`);
  }
}
// Its cluster has ended by then; a feed's thread may not have.
process.exit(0);
