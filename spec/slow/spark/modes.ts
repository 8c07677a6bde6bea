import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { expect } from "chai";
import type { SparkChoice } from "../../../lib/engine/spark/choice.js";
import { NetrunError } from "../../../lib/error.js";
import type { RoundEvent, TrainEvent } from "../../../lib/train/events.js";
import { Solver, type SolverOptions } from "../../../lib/train/solver.js";
import { train } from "../../../lib/train/train.js";
import { freshFolder } from "../../support/folder.js";
import type { SharedCluster, SparkCluster } from "../../support/spark.js";
import { writeRestless } from "../../support/training.js";
import { poolWorkers } from "../../support/workers.js";

/** Two replicas whose net mirrors, crops, drops out and normalises batches. */
const REPLICAS = { workers: 2, syncInterval: 3, threads: 1 } as const;

/** All parameters of a solver's net, BatchNorm's statistics among them. */
const parametersOf = (solver: Solver): readonly Float32Array[] =>
  [...solver.net.params.values()].flatMap((blobs) => blobs.map(({ data }) => data.slice()));

/** The end of a training, and what happened on the way. */
interface Run {
  readonly parameters: readonly Float32Array[];
  readonly events: readonly TrainEvent[];
}

const roundsOf = ({ events }: Run): readonly RoundEvent[] => events.filter((event) => event.kind === "round");

/** The part of a run that does not depend on the clock. */
const outcome = (run: Run) => ({
  parameters: run.parameters,
  losses: roundsOf(run).map(({ loss, iteration, rows }) => ({ loss, iteration, rows })),
  scores: run.events.flatMap((event) => (event.kind === "test" ? [event.outputs] : [])),
});

/** Trains; `between` is called before each round, by its number from 1 on. */
async function run(
  solver: string,
  options: Partial<SolverOptions>,
  between: (round: number, events: readonly TrainEvent[]) => void | Promise<void> = () => {},
): Promise<Run> {
  await using loaded = await Solver.load(solver, { ...REPLICAS, ...options });
  const events: TrainEvent[] = [];
  await between(1, events);
  for await (const event of train(loaded)) {
    events.push(event);
    if (event.kind === "round") await between(event.round + 1, events);
  }
  return { parameters: parametersOf(loaded), events };
}

/** Each way of training on a Spark cluster, and what is lost there. */
export function modeSpecs(shared: () => SharedCluster): void {
  const folder = freshFolder();
  let cluster: SparkCluster;
  let engine: SparkChoice;
  before(() => {
    ({ cluster, engine } = shared());
  });

  const restless = (fields = "max_iter: 12 snapshot_after_train: false", tests?: string) =>
    writeRestless(folder(), fields, tests);
  /** Without tests, in which a replica's end would be noticed before the round that it is meant for. */
  const untested = () => restless(undefined, "");

  for (const [name, options] of [
    ["the mean", {}],
    ["elastic averaging", { averaging: "elastic", alpha: 0.3 }],
    ["averaged history", { averageHistory: true }],
    ["strong batch scaling", { batchScaling: "strong" }],
    [
      "elastic averaging of shared batches with averaged history",
      { averaging: "elastic", averageHistory: true, batchScaling: "strong" },
    ],
    ["no states kept", { onWorkerLoss: "drop" }],
  ] as const satisfies readonly (readonly [string, Partial<SolverOptions>])[]) {
    it(`gives the pool's bits: ${name}, BatchNorm's statistics and tests included`, async () => {
      const pool = await run(restless(), options);
      const there = await run(restless(), { ...options, engine });
      expect(outcome(pool).scores.length).to.be.above(1);
      expect(outcome(there)).to.deep.equal(outcome(pool));
    });
  }

  for (const options of [{}, { averaging: "elastic" }, { averageHistory: true }] as const) {
    it(`does a lost part again to the pool's bits, with ${JSON.stringify(options)}`, async () => {
      const pool = await run(untested(), options);
      const there = await run(untested(), { ...options, engine }, (round) => {
        if (round === 3) process.kill(cluster.replicas()[0]!, "SIGKILL");
      });
      expect(roundsOf(there).map(({ lost }) => lost.map(({ remedy }) => remedy))).to.deep.equal([
        [],
        [],
        ["redone"],
        [],
      ]);
      expect(outcome(there)).to.deep.equal(outcome(pool));
    });
  }

  it("drops a lost part as the pool does, to its bits", async () => {
    const options = { onWorkerLoss: "drop" } as const;
    const there = await run(untested(), { ...options, engine }, (round) => {
      if (round === 3) process.kill(cluster.replicas()[0]!, "SIGKILL");
    });
    const lost = roundsOf(there).map((event) => event.lost.map(({ replica, remedy }) => ({ replica, remedy })));
    const [{ replica } = { replica: -1 }] = lost[2]!;
    expect(lost).to.deep.equal([[], [], [{ replica, remedy: "dropped" }], []]);
    const pool = await run(untested(), { ...options, isolation: "process" }, (round) => {
      if (round === 3) process.kill(poolWorkers()[replica]!, "SIGKILL");
    });
    expect(roundsOf(pool).map((event) => event.lost.map((each) => each.replica))).to.deep.equal([
      [],
      [],
      [replica],
      [],
    ]);
    expect(outcome(there)).to.deep.equal(outcome(pool));
  });

  it("goes on from snapshots, the pool's and its own, to the bit", async () => {
    const path = restless("max_iter: 12 snapshot: 6");
    const options = { averaging: "elastic" } as const;
    const pool = await run(path, options);
    const snapshot = join(folder(), "snap_iter_6.solverstate");
    expect((await run(path, { ...options, engine, snapshot })).parameters).to.deep.equal(pool.parameters);
    await run(path, { ...options, engine });
    expect((await run(path, { ...options, snapshot })).parameters).to.deep.equal(pool.parameters);
  });

  it("finds an interval for 5 % of overhead, and gives the bits of the pool's rounds of that length", async () => {
    const there = await run(restless("max_iter: 40 snapshot_after_train: false"), { engine, syncInterval: "auto" });
    const found = there.events.find((event) => event.kind === "sync-interval");
    const rounds = roundsOf(there);
    expect(found?.interval).to.equal(
      Math.min(1000, Math.ceil(((0.95 / 0.05) * found!.overheadMs) / found!.iterationMs)),
    );
    // Of the second round, all that is not an iteration's: jobs, tasks, weights there and back, the average.
    const { times, iterations } = rounds[1]!;
    expect(found!.overheadMs).to.be.closeTo(times.totalMs - times.slowestMs, 1e-6);
    expect(found!.iterationMs).to.be.closeTo(times.computeMs / iterations, 1e-6);
    const lengths = rounds.map((round) => round.iterations);
    expect(lengths.slice(0, 3)).to.deep.equal([1, 5, Math.min(34, found!.interval)]);
    await using pool = await Solver.load(restless("max_iter: 40"), REPLICAS);
    for (const length of lengths) await pool.run(length);
    expect(parametersOf(pool)).to.deep.equal(there.parameters);
  });

  /**
   * Trains on a DataFrame of 2,400 rows, of which the fourth of the second partition has another label or value, which the driver does
   * not see; the error that it ends with, and its events.
   */
  async function trainWith({ x = "1", label = "1" }: { readonly x?: string; readonly label?: string }) {
    const columns = `id, array(IF(id = 1203, ${x}, sin(id)), cos(id)) AS data, INT(IF(id = 1203, ${label}, id % 2)) AS label`;
    const data = `spark:sql?order=id:SELECT ${columns} FROM range(0, 2400, 1, 1)`;
    const solver = `net_param {
      layer { name: "in" type: "Input" top: "data" top: "label"
        input_param { shape { dim: 4 dim: 2 } shape { dim: 4 } } }
      layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
        inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
      layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" } }
      base_lr: 100 lr_policy: "fixed" max_iter: 6 random_seed: 1 snapshot_after_train: false snapshot_prefix: "${join(folder(), "none")}"`;
    const events: TrainEvent[] = [];
    const training = async () => {
      await using loaded = await Solver.load(solver, { ...REPLICAS, data, engine });
      for await (const event of train(loaded)) events.push(event);
    };
    const error = await training().then(
      () => undefined,
      (reason: NetrunError) => reason,
    );
    return { error, events };
  }

  const EXECUTOR = String.raw`\(executor \d+ on 127\.0\.0\.[23], pid \d+\)`;

  /** Reasons of losses so far. */
  const reasonsOf = (events: readonly TrainEvent[]): string =>
    events.flatMap((event) => (event.kind === "replica-lost" ? [event.reason] : [])).join("\n");

  async function until(is: () => boolean): Promise<void> {
    for (let i = 0; i < 600 && !is(); i++) await setTimeout(100);
    expect(is()).to.equal(true);
  }

  it("computes a lost cached partition again, to the same bits", async () => {
    const columns = "array(sin(id), cos(id), sin(3 * id), cos(3 * id)) AS data, INT(id % 2) AS label";
    const data = `spark:sql:SELECT ${columns} FROM range(0, 96, 1, 3)`;
    const solver = `net_param {
      layer { name: "in" type: "Input" top: "data" top: "label"
        input_param { shape { dim: 4 dim: 4 } shape { dim: 4 } } }
      layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
        inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
      layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" } }
      base_lr: 0.1 lr_policy: "fixed" momentum: 0.9 max_iter: 18 random_seed: 1 snapshot_after_train: false snapshot_prefix: "${join(folder(), "none")}"`;
    const calm = await run(solver, { data, engine });
    const lost: string[] = [];
    const disturbed = await run(solver, { data, engine }, (round) => {
      if (round !== 3 && round !== 5) return;
      const rows = cluster.cachedRows();
      for (const path of rows) rmSync(path);
      lost.push(...rows);
      // A successor reads the rows again: where they were cached, and then wherever it comes to be.
      if (round === 3) process.kill(cluster.replicas()[0]!, "SIGKILL");
      if (round === 5) for (const pid of cluster.replicas()) process.kill(pid, "SIGKILL");
    });
    expect(lost.length).to.be.above(1);
    const remedies = roundsOf(disturbed).map((event) => event.lost.map(({ remedy }) => remedy));
    expect(remedies).to.deep.equal([[], [], ["redone"], [], ["redone", "redone"], []]);
    expect(outcome(disturbed)).to.deep.equal(outcome(calm));
  });

  it("does a round again to the pool's bits where every executor has died, from the states that the driver has", async () => {
    const options = { averaging: "elastic" } as const;
    const pool = await run(untested(), options);
    const there = await run(untested(), { ...options, engine }, (round) => {
      if (round === 3) for (const pid of cluster.executors()) process.kill(pid, "SIGKILL");
    });
    expect(roundsOf(there)[2]!.lost.length).to.be.above(1);
    expect(roundsOf(there).every(({ lost }) => lost.every(({ remedy }) => remedy === "redone"))).to.equal(true);
    expect(outcome(there)).to.deep.equal(outcome(pool));
  });

  it("spreads replicas again over executors that come back, to the pool's bits", async () => {
    // Rounds enough for an executor's JVM to start beside other work.
    const long = restless("max_iter: 180 snapshot_after_train: false", "");
    const pool = await run(long, {});
    const seen: number[] = [];
    let killed = 0;
    await until(() => cluster.executors().length === 2);
    const there = await run(long, { engine }, async (round) => {
      const [home, ...others] = cluster.homes();
      seen.push(home === undefined ? 0 : 1 + others.length);
      // Executors start in their own time, those that an earlier test has killed too.
      if (home === undefined || others.length === 0) {
        await until(() => cluster.executors().length === 2);
        await setTimeout(500);
      } else if (round > 2 && killed === 0) {
        killed = home;
        seen.length = 0;
        process.kill(killed, "SIGKILL");
      }
    });
    expect(killed).to.be.above(0);
    // A replica whose executor is back before the round is done again starts there, and does not have to move.
    if (seen.includes(1))
      expect(reasonsOf(there.events)).to.match(/moves to executor \d+ on 127\.0\.0\.[23], which has fewer replicas/);
    expect(seen.slice(-1)).to.deep.equal([2]);
    expect(outcome(there)).to.deep.equal(outcome(pool));
  });

  it("ends once at a label that no class has, with the partition, the executor and its machine", async () => {
    const { error, events } = await trainWith({ label: "7" });
    expect(error).to.be.instanceOf(NetrunError);
    expect(error!.message).to.match(new RegExp(`^partition 1 of 2 failed: .*7.*${EXECUTOR}$`));
    expect(events.filter(({ kind }) => kind === "replica-lost")).to.deep.equal([]);
  });

  it("ends once at a number that is not finite, with the partition, the executor and its machine", async () => {
    const { error, events } = await trainWith({ x: "3e38" });
    expect(error).to.be.instanceOf(NetrunError);
    expect(error!.message).to.match(new RegExp(`of partition 1 ${EXECUTOR}`));
    expect(events.filter(({ kind }) => kind === "replica-lost")).to.deep.equal([]);
  });
}
