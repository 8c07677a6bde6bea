import type { TrainingPlan } from "../../run/plan.js";
import type { Engine, Partition, ReplicaStates, Round, RoundTimes, Scores, Work } from "../engine.js";
import { PoolEngine, type PoolOptions } from "../pool.js";
import { shardPlan } from "../shard-plan.js";
import { rowSetsOf } from "./data.js";
import { SparkHost } from "./host.js";
import { join, type SparkChoice } from "./choice.js";
import type { Launched } from "./launch.js";

/** Replicas on a Spark cluster, and how they are averaged. */
export interface SparkEngineOptions extends Omit<PoolOptions, "host" | "isolation"> {
  readonly engine: SparkChoice;
}

/** The times of a round whose sending has all that Spark takes: jobs, tasks, weights there and back. */
function withTransport({ computeMs, averageMs, totalMs, slowestMs }: RoundTimes): RoundTimes {
  const waitMs = slowestMs - computeMs;
  return { sendMs: totalMs - slowestMs - averageMs, computeMs, waitMs, averageMs, totalMs, slowestMs };
}

/** K replicas in processes of a Spark cluster's executors: what the pool does, with each replica wherever Spark starts it. */
export class SparkEngine implements Engine {
  readonly replicas: number;
  readonly #options: SparkEngineOptions;
  /** Numbers of the workers so far, those that were lost among them. */
  readonly #workers: number[] = [];
  #opened: { readonly pool: PoolEngine; readonly launched: Launched; readonly cores: number } | undefined;

  constructor(options: SparkEngineOptions) {
    this.#options = options;
    this.replicas = options.workers;
  }

  /** Starts the application where it has not been. */
  async #start(): Promise<PoolEngine> {
    if (this.#opened) return this.#opened.pool;
    const launched = await join(this.#options.engine);
    const { cores } = await launched.cluster.hello();
    const host = (index: number) => {
      const made = new SparkHost(launched.cluster, index, this.replicas);
      this.#workers.push(made.worker);
      return made;
    };
    const pool = new PoolEngine({ ...this.#options, host });
    this.#opened = { pool, launched, cores };
    return pool;
  }

  async open(plan: TrainingPlan): Promise<readonly Partition[]> {
    const pool = await this.#start();
    // A task of Spark's has its cores to itself.
    const threads = plan.session.threads ?? this.#opened!.cores;
    const { batchScaling = "weak" } = this.#options;
    // What each replica reads, it is of one kind for all of them.
    const sets = rowSetsOf(shardPlan(plan, 0, this.replicas, batchScaling));
    await this.#opened!.launched.cluster.shareRows(this.replicas, sets);
    return pool.open({ ...plan, session: { ...plan.session, threads } });
  }

  async round(weights: Float32Array, work: Work): Promise<Round> {
    const round = await this.#pool.round(weights, work);
    const slowestMs = round.roundTimes?.slowestMs ?? 0;
    const shares = round.shares?.map((share) => ({ ...share, waitMs: slowestMs - share.computeMs }));
    return { ...round, shares, roundTimes: round.roundTimes && withTransport(round.roundTimes) };
  }

  state(): Promise<ReplicaStates> {
    return this.#pool.state();
  }

  restore(states: ReplicaStates): Promise<void> {
    return this.#pool.restore(states);
  }

  test(net: number, weights: Float32Array, batches: number, positions?: readonly number[]): Promise<Scores> {
    return this.#pool.test(net, weights, batches, positions);
  }

  get #pool(): PoolEngine {
    if (!this.#opened) throw new Error("open a plan first");
    return this.#opened.pool;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened?.pool[Symbol.asyncDispose]();
    this.#opened?.launched.cluster.leave(this.#workers.splice(0));
    await this.#opened?.launched.close();
    this.#opened = undefined;
  }
}
