import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { expect } from "chai";
import { TrainingStopped } from "../../lib/engine/engine.js";
import { SparkEngine } from "../../lib/engine/spark/engine.js";
import type { CallAnswer } from "../../lib/engine/spark/messages.js";
import type { SparkChoice } from "../../lib/engine/spark/choice.js";
import { sweep } from "../../lib/sweep/sweep.js";
import type { ReplicaLostEvent } from "../../lib/train/events.js";
import { Solver, type SolverOptions } from "../../lib/train/solver.js";
import { train } from "../../lib/train/train.js";
import { engineContract, upTo, work } from "../contracts/engine.js";
import { freshFolder } from "../support/folder.js";
import { makePlan, startOf, writeRows } from "../support/plan.js";
import { writeRestless } from "../support/training.js";
import { leftFiles, SparkCluster, whyNoSpark } from "../support/spark.js";

const why = whyNoSpark();
const root = new URL("../../../", import.meta.url).pathname;

const INTERVAL = 25;

/** LeNet on the embedded digits, for so many rounds. */
const lenet = (folder: string, rounds: number) => `
  net: "${root}models/lenet/train_test.prototxt" test_iter: 20 test_interval: 100000 test_initialization: false
  base_lr: 0.01 lr_policy: "inv" gamma: 0.0001 power: 0.75 momentum: 0.9 weight_decay: 0.0005
  max_iter: ${rounds * INTERVAL} random_seed: 1 snapshot_prefix: "${join(folder, "snap")}" snapshot_after_train: false`;

/** Result of a training. */
interface Run {
  readonly losses: readonly number[];
  readonly lost: readonly ReplicaLostEvent[];
  readonly sha256: string;
}

/** Trains LeNet on two replicas; `during` is called when a round begins, by its number from 1 on. */
async function run(
  folder: string,
  rounds: number,
  options: Partial<SolverOptions>,
  during: (round: number) => void = () => {},
): Promise<Run> {
  const given = { workers: 2, syncInterval: INTERVAL, threads: 1, ...options };
  await using solver = await Solver.load(lenet(folder, rounds), given);
  const losses: number[] = [];
  const lost: ReplicaLostEvent[] = [];
  during(1);
  for await (const event of train(solver)) {
    if (event.kind === "replica-lost") lost.push(event);
    if (event.kind !== "round") continue;
    losses.push(event.loss);
    during(event.round + 1);
  }
  const path = join(folder, "weights.caffemodel");
  await solver.net.save(path);
  return { losses, lost, sha256: sha256(path) };
}

const sha256 = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");

describe(`a training on a Spark cluster${why === undefined ? "" : ` (skipped: ${why})`}`, () => {
  const folder = freshFolder();
  let cluster: SparkCluster;

  before(async function () {
    if (why !== undefined) this.skip();
    cluster = await SparkCluster.start();
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  engineContract("spark", () => new SparkEngine({ workers: 2, engine: cluster.engine() }));

  it("sweeps over settings: what runs of this machine give, whose parts are tasks of one application", async () => {
    const solver = writeRestless(folder(), "max_iter: 36", "test_iter: 4 test_interval: 1000");
    const swept = async (engine: SparkChoice | undefined, name: string) => {
      const parts: string[] = [];
      const events = sweep({
        ...{ solver, metric: "accuracy", grid: { base_lr: [0.001, 0.01, 0.05] }, firstIterations: 12 },
        ...{ workers: 2, threads: 1, engine, output: join(folder(), name) },
      });
      for await (const event of events) {
        if (event.kind !== "part-done") continue;
        const { iteration, score, loss, error } = event.result;
        parts.push(JSON.stringify({ run: event.trial.index, iteration, score, loss, error }));
      }
      return parts.sort();
    };
    const own = await swept(undefined, "own");
    expect(own).to.have.length(4);
    expect(await swept(cluster.engine(), "spark")).to.deep.equal(own);
  }).timeout(180_000);

  it("gives the pool's bits, whatever dies on the way, and leaves nothing behind", async () => {
    const before = leftFiles();
    const pool = await run(folder(), 5, { isolation: "process" });
    const soon = async (act: (pid: number) => void) => {
      await setTimeout(400);
      act(cluster.replicas().at(-1)!);
    };
    // Copies of tasks start as soon as one replica is done before the other.
    const speculation = {
      "spark.speculation": "true",
      "spark.speculation.quantile": "0.1",
      "spark.speculation.multiplier": "1.01",
      "spark.speculation.minTaskRuntime": "50ms",
    };
    const engine = cluster.engine(speculation);
    let copies = 0;
    const note = (answer: unknown) => {
      copies += (answer as CallAnswer).elsewhere ?? 0;
    };
    subscribe("netrun:spark:answer", note);
    const killed = await run(folder(), 5, { engine, workerTimeoutMs: 10_000 }, (round) => {
      if (round === 2) void soon((pid) => process.kill(pid, "SIGKILL"));
      if (round === 3) void soon((pid) => process.kill(pid, "SIGSTOP"));
      if (round === 4) void soon((pid) => process.kill(cluster.executorOf(pid), "SIGKILL"));
    });
    unsubscribe("netrun:spark:answer", note);
    expect(copies, "copies of tasks that came first").to.be.above(0);
    expect(killed.losses).to.deep.equal(pool.losses);
    expect(killed.sha256).to.equal(pool.sha256);
    expect(killed.lost.map(({ round, remedy }) => [round, remedy])).to.include.deep.members([
      [2, "redone"],
      [3, "redone"],
      [4, "redone"],
    ]);
    const reasons = killed.lost.map(({ reason }) => reason).join("\n");
    expect(reasons).to.match(/executor \d on 127\.0\.0\.[23], pid \d+\): ended by signal 9/);
    expect(reasons).to.match(/hung: no iteration was done in 10\.0 s/);
    expect(reasons).to.match(/executor \d on 127\.0\.0\.[23] was lost/);
    await setTimeout(1000);
    expect(cluster.processes()).to.deep.equal([]);
    // What an earlier cluster left may be deleted meanwhile.
    expect(leftFiles().filter((file) => !before.includes(file))).to.deep.equal([]);
  });

  it("goes on from a snapshot after its driver was killed, to the same bits", async () => {
    const whole = await run(folder(), 3, { isolation: "process" });
    const text = lenet(folder(), 3).replace("snapshot_after_train: false", "snapshot: 25");
    const path = join(folder(), "solver.prototxt");
    writeFileSync(path, text);
    const flags = ["--workers", "2", "--sync-interval", "25", "--threads", "1", ...cluster.flags];
    const start = (...more: readonly string[]) =>
      spawn(process.execPath, [join(root, "bin", "netrun.js"), "train", path, ...flags, ...more], { stdio: "pipe" });
    const first = start();
    for await (const chunk of first.stdout) if (`${chunk}`.includes("Round 2")) break;
    first.kill("SIGKILL");
    for (let i = 0; i < 100 && cluster.processes().length > 0; i++) await setTimeout(200);
    expect(cluster.processes()).to.deep.equal([]);
    const second = start("-snapshot", join(folder(), "snap_iter_25.solverstate"));
    second.stdout.resume();
    second.stderr.resume();
    expect(await once(second, "exit")).to.deep.equal([0, null]);
    expect(sha256(join(folder(), "snap_iter_75.caffemodel"))).to.equal(whole.sha256);
  });

  it("ends once at an error of the user's, with its place, the executor and the partition", async () => {
    const engine = new SparkEngine({ workers: 2, engine: cluster.engine() });
    try {
      const path = await writeRows(folder(), "rows.arrow", upTo(48));
      const plan = makePlan({ train: path, batch: 4 });
      await engine.open(plan);
      const batch = { data: { shape: [1, 2], data: new Float32Array(2) } };
      const error = await engine.round(startOf(plan, 4), { ...work(2), batch }).catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(TrainingStopped);
      expect((error as Error).message).to.match(
        /^partition [01] of 2 failed: .*\(executor \d on 127\.0\.0\.[23], pid \d+\)$/,
      );
    } finally {
      await engine[Symbol.asyncDispose]();
    }
  });
});
