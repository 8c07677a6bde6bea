import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { expect } from "chai";
import { type Engine, type ReplicaStates, type Round, TrainingStopped } from "../../lib/engine/engine.js";
import type { Host } from "../../lib/engine/hosts/host.js";
import { ProcessHost } from "../../lib/engine/hosts/process-host.js";
import { ThreadHost } from "../../lib/engine/hosts/thread-host.js";
import { PoolEngine } from "../../lib/engine/pool.js";
import { NetrunError } from "../../lib/error.js";
import type { TrainingPlan } from "../../lib/run/plan.js";
import type { TrainEvent } from "../../lib/train/events.js";
import { Solver } from "../../lib/train/solver.js";
import { train } from "../../lib/train/train.js";
import { upTo, work } from "../contracts/engine.js";
import { freshFolder } from "../support/folder.js";
import { makePlan, startOf, writeRows } from "../support/plan.js";
import { writeRestless } from "../support/training.js";
import { poolWorkers } from "../support/workers.js";

const BATCH = 4;
const INTERVAL = 4;

/** The hosts of a pool, by replica, so that a test can end them. */
class Hosts<H extends Host> {
  readonly current: H[] = [];
  readonly #make: (index: number) => H;
  started = 0;

  constructor(make: (index: number) => H) {
    this.#make = make;
  }

  readonly host = (index: number): H => {
    this.started++;
    this.current[index] = this.#make(index);
    return this.current[index];
  };
}

const threads = () => new Hosts((index) => new ThreadHost(index));
const processes = () => new Hosts((index) => new ProcessHost(index));

/** A host whose rounds throw while `broken` says so. */
function fragile(host: Host, broken: () => boolean): Host {
  return {
    name: host.name,
    get progress() {
      return host.progress;
    },
    async call(call) {
      if (call.name === "round" && broken()) throw new Error("the replica is broken");
      return host.call(call);
    },
    kill: () => host.kill(),
    [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
  };
}

describe("a pool that loses workers", () => {
  const folder = freshFolder();
  const plan = async () => makePlan({ train: await writeRows(folder(), "rows.arrow", upTo(48)), batch: BATCH });

  /** Trains for some rounds; `during` is called when each is under way. */
  async function rounds(engine: Engine, same: TrainingPlan, count: number, during: (round: number) => void = () => {}) {
    await engine.open(same);
    const weights = startOf(same, BATCH);
    const done: (Round & { readonly states: ReplicaStates })[] = [];
    for (let i = 0; i < count; i++) {
      const running = engine.round(weights, work(INTERVAL, i * INTERVAL));
      during(i);
      const round = await running;
      done.push({ ...round, states: await engine.state() });
    }
    return { done, weights };
  }

  it("does the round again, to the same bits, when a thread is ended", async () => {
    const same = await plan();
    const hosts = threads();
    await using calm = new PoolEngine({ workers: 2 });
    await using pool = new PoolEngine({ workers: 2, host: hosts.host });
    const { done, weights } = await rounds(pool, same, 4, (round) => {
      if (round === 0 || round === 2) void hosts.current[round / 2]!.kill();
    });
    expect(done.map(({ lost }) => lost.map(({ replica, remedy }) => `${replica} ${remedy}`))).to.deep.equal([
      ["0 redone"],
      [],
      ["1 redone"],
      [],
    ]);
    expect(hosts.started).to.equal(4);
    expect(weights).to.deep.equal((await rounds(calm, same, 4)).weights);
  });

  for (const options of [{ averaging: "elastic" }, { averageHistory: true }] as const) {
    it(`does the round again, to the same bits, with ${JSON.stringify(options)}`, async () => {
      const same = await plan();
      const hosts = threads();
      await using calm = new PoolEngine({ workers: 2, ...options });
      await using pool = new PoolEngine({ workers: 2, ...options, host: hosts.host });
      const disturbed = await rounds(pool, same, 3, (round) => {
        if (round === 1) void hosts.current[1]!.kill();
      });
      const quiet = await rounds(calm, same, 3);
      expect(disturbed.done[1]!.lost.map(({ remedy }) => remedy)).to.deep.equal(["redone"]);
      expect(disturbed.weights).to.deep.equal(quiet.weights);
      expect(disturbed.done[2]!.states).to.deep.equal(quiet.done[2]!.states);
    });
  }

  it("gives a dropped replica the mean history of the others where histories are averaged", async () => {
    const hosts = threads();
    await using pool = new PoolEngine({ workers: 3, host: hosts.host, onWorkerLoss: "drop", averageHistory: true });
    const { done } = await rounds(pool, await plan(), 2, (round) => {
      if (round === 1) void hosts.current[1]!.kill();
    });
    expect(done[1]!.lost.map(({ remedy }) => remedy)).to.deep.equal(["dropped"]);
    const [a, b, c] = done[1]!.states;
    expect(a!.history[0]!.some((value) => value !== 0)).to.equal(true);
    expect([b!.history, c!.history]).to.deep.equal([a!.history, a!.history]);
  });

  it("tests again, and trains on to the same bits, when a thread is ended between rounds", async () => {
    const same = await plan();
    const results = [];
    for (const isDisturbed of [false, true]) {
      const hosts = threads();
      await using pool = new PoolEngine({ workers: 2, host: hosts.host });
      const { weights } = await rounds(pool, same, 1);
      const testing = pool.test(0, weights, 6, [0]);
      if (isDisturbed) void hosts.current[1]!.kill();
      const { lost = [], ...scores } = await testing;
      expect(lost.map(({ replica, remedy }) => [replica, remedy])).to.deep.equal(isDisturbed ? [[1, "redone"]] : []);
      await pool.round(weights, work(INTERVAL, INTERVAL));
      expect(hosts.started).to.equal(isDisturbed ? 3 : 2);
      results.push({ scores, weights, states: await pool.state() });
    }
    expect(results[1]).to.deep.equal(results[0]);
  });

  it("says in an event that a worker was lost in a test, whose scores are the same", async () => {
    const path = writeRestless(folder(), "max_iter: 10 snapshot_after_train: false", "test_iter: 20 test_interval: 5");
    const run = async (disturb: (event: TrainEvent) => void) => {
      await using solver = await Solver.load(path, { workers: 2, syncInterval: 5, isolation: "process", threads: 1 });
      const events: TrainEvent[] = [];
      for await (const event of train(solver)) {
        events.push(event);
        disturb(event);
      }
      return events;
    };
    const calm = await run(() => {});
    const disturbed = await run((event) => {
      const isFirstPart = event.kind === "test-progress" && event.iteration === 5 && event.done === 2;
      if (isFirstPart) process.kill(poolWorkers()[1]!, "SIGKILL");
    });
    const scores = (events: readonly TrainEvent[]) => events.filter(({ kind }) => kind === "test");
    expect(scores(calm).length).to.be.above(1);
    expect(scores(disturbed)).to.deep.equal(scores(calm));
    const lost = disturbed.flatMap((event) => (event.kind === "replica-lost" ? [{ ...event, reason: "" }] : []));
    expect(lost).to.deep.equal([
      { kind: "replica-lost", iteration: 5, net: 0, replica: 1, reason: "", remedy: "redone" },
    ]);
  });

  it("names the partition, and continues, when a process is killed", async () => {
    const hosts = processes();
    await using pool = new PoolEngine({ workers: 2, host: hosts.host });
    let pid = 0;
    const { done } = await rounds(pool, await plan(), 3, (round) => {
      if (round !== 1) return;
      ({ pid } = hosts.current[1]!);
      process.kill(pid, "SIGKILL");
    });
    expect(done.map(({ lost }) => lost)).to.deep.equal([
      [],
      [{ replica: 1, reason: `worker process 1 (pid ${pid}): ended by SIGKILL`, remedy: "redone" }],
      [],
    ]);
  });

  it("does the round again, to the same bits, when a process is ended", async () => {
    const same = await plan();
    const hosts = processes();
    await using calm = new PoolEngine({ workers: 2 });
    await using pool = new PoolEngine({ workers: 2, host: hosts.host });
    const disturbed = await rounds(pool, same, 3, (round) => {
      if (round === 1) process.kill(hosts.current[0]!.pid, "SIGTERM");
    });
    const quiet = await rounds(calm, same, 3);
    expect(disturbed.done[1]!.lost.map(({ replica, remedy }) => [replica, remedy])).to.deep.equal([[0, "redone"]]);
    expect(disturbed.weights).to.deep.equal(quiet.weights);
    expect(disturbed.done[2]!.states).to.deep.equal(quiet.done[2]!.states);
  });

  it("reports why a thread failed between two calls", async () => {
    const same = await plan();
    const plugin = join(folder(), "later.js");
    const armed = join(folder(), "armed");
    writeFileSync(
      plugin,
      `import { existsSync, rmSync } from "node:fs";
      const look = () => {
        if (!existsSync("${armed}")) return;
        rmSync("${armed}");
        throw new Error("bang");
      };
      setInterval(look, 20).unref();
      export default { type: "Later", lower: ({ bottoms: [x] }) => ({ tops: [x] }) };`,
    );
    const hosts = threads();
    await using pool = new PoolEngine({ workers: 1, host: hosts.host });
    await pool.open({ ...same, plugins: [plugin] });
    const weights = startOf(same, BATCH);
    await pool.round(weights, work(INTERVAL));
    writeFileSync(armed, "");
    while (existsSync(armed)) await setTimeout(20);
    // The thread is about to end: its error comes as an event.
    await setTimeout(500);
    const { lost } = await pool.round(weights, work(INTERVAL, INTERVAL));
    expect(lost.map(({ reason }) => reason)).to.deep.equal(["worker thread 0: bang"]);
  });

  it("replaces a process that hangs past the deadline", async () => {
    const hosts = processes();
    await using pool = new PoolEngine({ workers: 2, host: hosts.host, workerTimeoutMs: 4000 });
    const { done } = await rounds(pool, await plan(), 3, (round) => {
      if (round === 1) process.kill(hosts.current[0]!.pid, "SIGSTOP");
    });
    expect(done[1]!.lost.map(({ replica }) => replica)).to.deep.equal([0]);
    expect(done[1]!.lost[0]!.reason).to.match(/hung: no iteration was done in 4.00 s/);
  });

  it("replaces a worker that is lost while it opens its plan", async () => {
    const lock = join(folder(), "lock");
    const plugin = join(folder(), "exits.mjs");
    writeFileSync(
      plugin,
      `import { openSync } from "node:fs";
      let isFirst = true;
      try { openSync(${JSON.stringify(lock)}, "wx"); } catch { isFirst = false; }
      if (isFirst) process.exit(3);
      export default { type: "Same", bottoms: 1, tops: 1, lower: ({ bottoms }) => ({ tops: [...bottoms] }) };`,
    );
    const same = await plan();
    const hosts = processes();
    await using pool = new PoolEngine({ workers: 1, host: hosts.host });
    const partitions = await pool.open({ ...same, plugins: [plugin] });
    expect(partitions.map(({ rows }) => rows)).to.deep.equal([48]);
    expect(hosts.started).to.equal(2);
  });

  it("names the partition whose workers are lost again and again while they open their plan", async () => {
    const plugin = join(folder(), "exits.mjs");
    writeFileSync(plugin, "process.exit(3);");
    const same = await plan();
    await using pool = new PoolEngine({ workers: 1, isolation: "process" });
    const error = await pool.open({ ...same, plugins: [plugin] }).catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(NetrunError);
    expect((error as Error).message).to.equal("partition 0 of 1 failed 3 times in a row: exited with code 3");
  });

  it("gives more time to opening than to an iteration", async () => {
    const slow = (index: number): Host => {
      const host = fragile(new ThreadHost(index), () => false);
      return {
        ...host,
        progress: 0,
        async call(call) {
          await setTimeout(1500);
          return host.call(call);
        },
      };
    };
    await using pool = new PoolEngine({ workers: 1, host: slow, workerTimeoutMs: 500 });
    expect(await pool.open(await plan())).to.have.length(1);
  });

  it("leaves it to the parent what a terminal's signals mean", async () => {
    const hosts = processes();
    await using pool = new PoolEngine({ workers: 1, host: hosts.host });
    const { done } = await rounds(pool, await plan(), 2, () => {
      process.kill(hosts.current[0]!.pid, "SIGINT");
    });
    expect(done.flatMap(({ lost }) => lost)).to.deep.equal([]);
  });

  it("takes the mean of the survivors where lost parts are dropped", async () => {
    const same = await plan();
    const hosts = threads();
    await using pool = new PoolEngine({ workers: 2, host: hosts.host, onWorkerLoss: "drop" });
    const { done } = await rounds(pool, same, 3, (round) => {
      if (round === 1) void hosts.current[1]!.kill();
    });
    expect(done.map(({ rows }) => rows)).to.deep.equal([2, 1, 2].map((replicas) => replicas * INTERVAL * BATCH));
    expect(done[1]!.lost.map(({ remedy }) => remedy)).to.deep.equal(["dropped"]);
    expect(done.map(({ states }) => states.map(({ positions }) => positions[0]))).to.deep.equal([
      [16, 16],
      [32, 16],
      [48, 32],
    ]);
  });

  it("stops with the weights of the round's start when no survivor is left", async () => {
    const same = await plan();
    const hosts = threads();
    await using pool = new PoolEngine({ workers: 2, host: hosts.host, onWorkerLoss: "drop" });
    await pool.open(same);
    const weights = startOf(same, BATCH);
    await pool.round(weights, work(INTERVAL));
    const before = weights.slice();
    const running = pool.round(weights, work(INTERVAL, INTERVAL));
    for (const host of hosts.current) void host.kill();
    const error = await running.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).to.be.instanceOf(TrainingStopped);
    expect((error as Error).message).to.equal("every worker was lost in one round, and lost parts are dropped");
    expect(weights).to.deep.equal(before);
    expect((await pool.state()).map(({ positions }) => positions)).to.deep.equal([[16], [16]]);
  });

  it("stops with the state of the round's start when a partition fails three times in a row", async () => {
    const same = await plan();
    let rounds1 = 0;
    const host = (index: number) => fragile(new ThreadHost(index), () => index === 1 && rounds1 > 0);
    await using pool = new PoolEngine({ workers: 2, host });
    await pool.open(same);
    const weights = startOf(same, BATCH);
    await pool.round(weights, work(INTERVAL));
    const before = { weights: weights.slice(), states: await pool.state() };
    rounds1++;
    const error = await pool.round(weights, work(INTERVAL, INTERVAL)).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).to.be.instanceOf(TrainingStopped);
    const stopped = error as TrainingStopped;
    expect(stopped.message).to.equal("partition 1 of 2 failed 3 times in a row: the replica is broken");
    expect({ weights, states: await pool.state() }).to.deep.equal(before);
  });
});
