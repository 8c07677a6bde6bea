import { hasWatched, spreadOf } from "./averaging/spread.js";
import { NetrunError } from "../error.js";
import { Lifetime } from "../lifetime.js";
import type { TrainingPlan } from "../run/plan.js";
import {
  type Averaging,
  type AveragingOptions,
  averageInto,
  averagingOf,
  meanHistory,
  shareHistory,
} from "./averaging/averaging.js";
import type { Engine, LostReplica, Partition, ReplicaStates, Round, Scores, Work } from "./engine.js";
import { TrainingStopped } from "./engine.js";
import type { Answer } from "./hosts/host.js";
import { type HostOptions, hostMaker } from "./hosts/make-host.js";
import { Member } from "./member.js";
import type { ReplicaInfo } from "./replica.js";
import { PartitionFailed, ReplicaSlot } from "./replica-slot.js";
import { meanReport, meanScores, shareOf } from "./reports.js";
import type { BatchScaling } from "./shard-plan.js";
import { shardPlan } from "./shard-plan.js";

/** Place of replicas, and the way they are averaged. */
export interface PoolOptions extends HostOptions, AveragingOptions {
  /** Replicas. */
  readonly workers: number;
  readonly batchScaling?: BatchScaling | undefined;
  /** True if the part of a lost replica is done again or excluded from the mean. Default redo. */
  readonly onWorkerLoss?: "redo" | "drop" | undefined;
}

/** K replicas in threads or processes, each with its part of the data, averaged after every round. */
export class PoolEngine implements Engine {
  readonly replicas: number;
  readonly #options: PoolOptions;
  readonly #averaging: Averaging;
  readonly #members: readonly Member[];
  readonly #life = new Lifetime("engine");
  #info: ReplicaInfo | undefined;
  #plan: TrainingPlan | undefined;

  constructor(options: PoolOptions) {
    const { workers, workerTimeoutMs } = options;
    this.#options = options;
    this.replicas = workers;
    this.#averaging = averagingOf(options, workers);
    const make = hostMaker(options);
    const keeps = this.#redoes || this.#averaging.sharesHistory;
    this.#members = Array.from({ length: workers }, (_, index) => {
      const slot = new ReplicaSlot(index, workers, () => make(index), workerTimeoutMs);
      return new Member(slot, keeps, this.#isElastic);
    });
  }

  open(plan: TrainingPlan): Promise<readonly Partition[]> {
    return this.#alive(() => this.#open(plan));
  }

  async #open(plan: TrainingPlan): Promise<readonly Partition[]> {
    const { batchScaling = "weak" } = this.#options;
    const { alpha } = this.#averaging;
    const plans = this.#members.map((_, index) => ({ ...shardPlan(plan, index, this.replicas, batchScaling), alpha }));
    const infos = await allOrFirstError(this.#members.map(({ slot }) => slot.open("open", plans[slot.index]!)));
    for (const [i, member] of this.#members.entries()) member.opened(infos[i]!);
    this.#info = infos[0]!;
    this.#plan = plan;
    return infos.flatMap(({ partitions }) => partitions);
  }

  round(weights: Float32Array, work: Work): Promise<Round> {
    return this.#alive(() => this.#round(weights, work));
  }

  async #round(weights: Float32Array, work: Work): Promise<Round> {
    await this.#admitNewcomers(weights);
    const started = performance.now();
    const lost: LostReplica[] = [];
    const runs = this.#members.map((member) => this.#call(member, weights, work, lost));
    const sent = performance.now();
    const settled = await Promise.allSettled(runs);
    const done = performance.now();
    const answers = settled.map((each) => (each.status === "fulfilled" ? each.value : undefined));
    const failed = settled.find((each): each is PromiseRejectedResult => each.status === "rejected");
    if (failed) throw this.#stopped(failed.reason);
    if (answers.every((answer) => answer === undefined)) throw this.#stopped(allLost());
    const trained = answers.flatMap((answer) => (answer ? [answer.changed[0]!] : []));
    const spread = hasWatched(work) ? spreadOf(trained) : undefined;
    await this.#average(weights, answers);
    await this.#admitNewcomers(weights);
    const averaged = performance.now();
    const reports = answers.flatMap((answer) => (answer ? [answer.result] : []));
    const sendMs = sent - started;
    const meanMs = Math.min(reports.reduce((sum, { computeMs }) => sum + computeMs, 0) / reports.length, done - sent);
    const report = meanReport(reports);
    const bad = this.#members.find((_, i) => answers[i]?.result.notFinite !== undefined);
    const where = bad?.slot.place && ` of partition ${bad.slot.index} ${bad.slot.place}`;
    return {
      ...report,
      ...(where && { notFinite: `${report.notFinite}${where}` }),
      iteration: work.iteration + report.losses.length,
      spread,
      shares: this.#members.flatMap(({ slot }, i) => {
        const result = answers[i]?.result;
        return result ? [shareOf(slot.index, result, done - sent)] : [];
      }),
      roundTimes: {
        sendMs,
        computeMs: meanMs,
        waitMs: done - sent - meanMs,
        averageMs: averaged - done,
        totalMs: averaged - started,
        slowestMs: Math.max(...reports.map(({ computeMs }) => computeMs)),
      },
      lost: lost.sort((a, b) => a.replica - b.replica),
    };
  }

  /** One replica's part of a round. */
  #call(member: Member, weights: Float32Array, work: Work, lost: LostReplica[]): Promise<Answer<"round"> | undefined> {
    const { slot } = member;
    const remedy = this.#redoes ? ("redone" as const) : ("dropped" as const);
    return slot.call("round", member.request(weights, work, false), {
      again: this.#redoes ? () => member.request(weights, work, true) : undefined,
      onLoss: (reason) => lost.push({ replica: slot.index, reason, remedy }),
    });
  }

  /** True if the part of a lost replica is done again. */
  get #redoes(): boolean {
    return this.#options.onWorkerLoss !== "drop";
  }

  get #isElastic(): boolean {
    return this.#averaging.alpha !== undefined;
  }

  /**
   * Averages the replicas that are left into `weights`; the states after the round count from here on. Replicas' weights are read in
   * pieces from where they are, and not before all replicas are done: a round that fails changes nothing.
   */
  async #average(weights: Float32Array, answers: readonly (Answer<"round"> | undefined)[]): Promise<void> {
    const present = this.#members.filter((_, i) => answers[i]);
    const trained = answers.flatMap((answer) => (answer ? [answer.changed[0]!] : []));
    averageInto(weights, trained, this.#averaging, this.#info!);
    for (const [i, member] of this.#members.entries()) {
      const answer = answers[i];
      if (answer) member.commit(answer);
      else member.lose();
    }
    if (this.#averaging.sharesHistory) shareHistory(await Promise.all(present.map((member) => member.shareable())));
  }

  /** Replicas that were dropped start again from the others' mean history and the common weights. */
  async #admitNewcomers(weights: Float32Array): Promise<void> {
    const newcomers = this.#members.filter(({ isLost }) => isLost);
    if (newcomers.length === 0) return;
    const states = await Promise.all(this.#members.map((member) => member.state()));
    const histories = states.flatMap((state) => (state ? [state.history] : []));
    const { slots, trainable } = this.#info!;
    for (const member of newcomers) {
      const history = meanHistory(histories, Array<number>(slots).fill(trainable));
      member.set({ history, positions: member.positions, ...(this.#isElastic && { weights: weights.slice() }) });
    }
  }

  /** The error of a failed round, after which states are those of its start where they are kept. */
  #stopped(cause: unknown): Error {
    for (const member of this.#members) member.rewind();
    if (!(cause instanceof PartitionFailed)) return cause as Error;
    const { message, file, span, notes } = cause;
    return new TrainingStopped(message, { file, span, notes, cause: cause.cause });
  }

  state(): Promise<ReplicaStates> {
    return this.#alive(() => this.#state());
  }

  async #state(): Promise<ReplicaStates> {
    const states = await Promise.all(this.#members.map((member) => member.state()));
    return states.map((state, i) => state ?? this.#members[i]!.blank());
  }

  restore(states: ReplicaStates): Promise<void> {
    return this.#alive(() => this.#restore(states));
  }

  async #restore(states: ReplicaStates): Promise<void> {
    if (states.length !== this.replicas) throw new Error(`states of ${states.length} replicas for ${this.replicas}`);
    for (const [i, { history, weights, ...place }] of states.entries()) {
      const copies = { history: history.map((values) => values.slice()), ...(weights && { weights: weights.slice() }) };
      this.#members[i]!.set({ ...place, ...copies });
    }
  }

  test(net: number, weights: Float32Array, batches: number, positions?: readonly number[]): Promise<Scores> {
    return this.#alive(() => this.#test(net, weights, batches, positions ?? []));
  }

  /** A call after those before it; one that the pool's end cuts short says so. */
  #alive<T>(call: () => Promise<T>): Promise<T> {
    return this.#life.run(call).catch((error: unknown) => {
      throw this.#life.isOver && !(error instanceof NetrunError) ? this.#life.error(error) : error;
    });
  }

  async #test(net: number, weights: Float32Array, batches: number, positions: readonly number[]): Promise<Scores> {
    const { feeds } = this.#plan!.tests[net]!;
    const lost: LostReplica[] = [];
    const bounds = this.#members.map((_, index) => Math.floor((index * batches) / this.replicas));
    const answers = await allOrFirstError(
      this.#members.map(async ({ slot }, i) => {
        const first = bounds[i]!;
        const count = (bounds[i + 1] ?? batches) - first;
        if (count === 0) return [];
        const start = feeds.map(({ batchSize }, feed) => (positions[feed] ?? 0) + first * batchSize);
        const task = { net, batches: count, positions: start };
        const request = { task, buffers: [weights], room: [] };
        const answer = await slot.call("test", request, {
          again: () => request,
          onLoss: (reason) => lost.push({ replica: slot.index, reason, remedy: "redone" }),
        });
        return [{ scores: answer!.result, batches: count }];
      }),
    );
    const scores = meanScores(answers.flat());
    return lost.length === 0 ? scores : { ...scores, lost: lost.sort((a, b) => a.replica - b.replica) };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#life.abort(async () => {
      await Promise.all(this.#members.map((member) => member[Symbol.asyncDispose]()));
    });
  }
}

/** Reason why a round of which nothing is left ends the training. */
const allLost = () =>
  new PartitionFailed("every worker was lost in one round, and lost parts are dropped", {
    notes: ["with --on-worker-loss redo they are done again"],
  });

/** Waits for all, so that nothing is left running, and then throws the first error if there is one. */
async function allOrFirstError<T>(promises: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
