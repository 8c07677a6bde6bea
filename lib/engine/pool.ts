import type { Plan } from "../run/plan.js";
import { averageWeights, defaultAlpha, elasticAverage, mean } from "./averaging/average.js";
import { Buffers } from "./buffers.js";
import type { Checkpoint, Engine, Loss, Partition, ReplicaState, Round, Scores, Work } from "./engine.js";
import { TrainingStopped } from "./engine.js";
import type { Answer } from "./hosts/host.js";
import { type HostOptions, hostMaker } from "./hosts/make-host.js";
import type { ReplicaInfo } from "./replica.js";
import { PartitionFailed, ReplicaSlot } from "./replica-slot.js";
import { meanReport, meanScores } from "./reports.js";
import type { BatchScaling } from "./shard-plan.js";
import { shardPlan } from "./shard-plan.js";

/** Where replicas live and how they are brought together. */
export interface PoolOptions extends HostOptions {
  /** Replicas. */
  readonly workers: number;
  /** All go on from the mean, or each from its own weights, drawn towards a centre (EASGD). Default mean. */
  readonly averaging?: "mean" | "elastic" | undefined;
  /** How far elastic averaging draws. Default 0.9 / workers. */
  readonly alpha?: number | undefined;
  /** Whether the solver's history is averaged too; else it stays with its replica. */
  readonly averageHistory?: boolean | undefined;
  readonly batchScaling?: BatchScaling | undefined;
  /** Whether the part of a lost replica is done again or left out of the mean. Default redo. */
  readonly onWorkerLoss?: "redo" | "drop" | undefined;
}

/** What a replica trains with in a round, and copies of what is its own where that may have to be done again. */
interface Part {
  readonly state: ReplicaState;
  /** The weights that it changes. */
  readonly own: Float32Array;
  readonly backup: readonly Float32Array[] | undefined;
}

/** K replicas in threads or processes, each with its part of the data, brought together after every call of `train`. */
export class PoolEngine implements Engine {
  readonly replicas: number;
  readonly #options: PoolOptions;
  readonly #slots: readonly ReplicaSlot[];
  readonly #buffers = new Buffers();
  #info: ReplicaInfo | undefined;
  #plan: Plan | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.replicas = options.workers;
    const make = hostMaker(options);
    this.#slots = Array.from(
      { length: options.workers },
      (_, index) => new ReplicaSlot(index, options.workers, () => make(index), options.workerTimeoutMs),
    );
  }

  async load(plan: Plan): Promise<readonly Partition[]> {
    const { batchScaling = "weak" } = this.#options;
    const plans = this.#slots.map(({ index }) => shardPlan(plan, index, this.replicas, batchScaling));
    const infos = await allOrFirstError(this.#slots.map((slot) => slot.open("open", plans[slot.index]!)));
    this.#info = infos[0]!;
    this.#plan = plan;
    return infos.flatMap(({ partitions }) => partitions);
  }

  async train(from: Checkpoint, work: Work): Promise<Round> {
    if (from.replicas.length !== this.replicas) {
      throw new Error(`a checkpoint of ${from.replicas.length} replicas for ${this.replicas}`);
    }
    const started = performance.now();
    const lost: Loss[] = [];
    // All copies are made before the first replica starts: it would take the core that they are made on.
    const parts = from.replicas.map((state) => this.#part(state, from.weights));
    const runs = this.#slots.map((slot, i) => this.#send(slot, parts[i]!, from, work, lost));
    const sent = performance.now();
    const settled = await Promise.allSettled(runs);
    const done = performance.now();
    const failed = settled.find((each): each is PromiseRejectedResult => each.status === "rejected");
    const answers = settled.map((each) => (each.status === "fulfilled" ? each.value : undefined));
    if (failed) throw this.#stopped(failed.reason, from, parts, answers);
    if (answers.every((answer) => answer === undefined)) throw this.#stopped(allLost(), from, parts, answers);
    for (const { backup } of parts) this.#buffers.give(backup ?? []);
    const replicas = this.#average(from, answers);
    const averaged = performance.now();
    const reports = answers.flatMap((answer) => (answer ? [answer.result] : []));
    const sendMs = sent - started;
    const meanMs = Math.min(reports.reduce((sum, { computeMs }) => sum + computeMs, 0) / reports.length, done - sent);
    const report = meanReport(reports);
    return {
      ...report,
      checkpoint: { iteration: from.iteration + report.losses.length, weights: from.weights, replicas },
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

  #part(state: ReplicaState, weights: Float32Array): Part {
    const kept = [...(state.weights ? [state.weights] : []), ...state.history];
    return {
      state,
      own: state.weights ?? this.#buffers.copy(weights),
      backup: this.#redoes ? kept.map((values) => this.#buffers.copy(values)) : undefined,
    };
  }

  /** Starts one replica's part of a round. */
  #send(slot: ReplicaSlot, { state, own, backup }: Part, from: Checkpoint, work: Work, lost: Loss[]) {
    const { positions, carries, weights, history } = state;
    const again = () => {
      const copies = (backup ?? []).map((values) => this.#buffers.copy(values));
      return weights ? copies : [this.#buffers.copy(from.weights), ...copies];
    };
    const remedy = this.#redoes ? ("redone" as const) : ("dropped" as const);
    const task = { iteration: from.iteration, positions, carries, work };
    return slot.call("train", task, [own, ...history], {
      again: this.#redoes ? again : undefined,
      onLoss: (reason) => lost.push({ replica: slot.index, reason, remedy }),
    });
  }

  /** Whether the part of a lost replica is done again. */
  get #redoes(): boolean {
    return this.#options.onWorkerLoss !== "drop";
  }

  /** Brings the replicas' weights together in the checkpoint's; the states that they go on from. */
  #average(from: Checkpoint, answers: readonly (Answer<"train"> | undefined)[]): readonly ReplicaState[] {
    const { averaging = "mean", averageHistory = false, alpha = defaultAlpha(this.replicas) } = this.#options;
    const { learnt, sums } = this.#info!;
    const here = answers.flatMap((answer) => (answer ? [answer] : []));
    const weights = here.map(({ buffers }) => buffers[0]!);
    const elastic = averaging === "elastic";
    if (elastic) elasticAverage(from.weights, weights, alpha, learnt, sums);
    else {
      averageWeights(from.weights, weights, sums);
      this.#buffers.give(weights);
    }
    const histories = here.map(({ buffers }) => buffers.slice(1));
    if (averageHistory) shareMean(histories);
    let present = 0;
    return answers.map((answer, i) => {
      if (!answer) return this.#newcomer(from, histories, from.replicas[i]!.positions, elastic);
      const { positions, carries } = answer.result;
      const own = present++;
      return { positions, carries, history: histories[own]!, ...(elastic && { weights: weights[own]! }) };
    });
  }

  /** The state of a replica that was dropped: the others' mean history, and the common weights. */
  #newcomer(
    { weights }: Checkpoint,
    histories: readonly (readonly Float32Array[])[],
    positions: readonly number[],
    elastic: boolean,
  ): ReplicaState {
    const history = histories[0]!.map((values, slot) => {
      const out = this.#buffers.take(values.length);
      mean(
        out,
        histories.map((each) => each[slot]!),
      );
      return out;
    });
    return { history, positions, ...(elastic && { weights: this.#buffers.copy(weights) }) };
  }

  /** What training stands at after a failed round: its start where replicas' states were kept, else what is left of them. */
  #stopped(
    cause: unknown,
    from: Checkpoint,
    parts: readonly Part[],
    answers: readonly (Answer<"train"> | undefined)[],
  ): Error {
    if (!(cause instanceof PartitionFailed)) return cause as Error;
    const replicas = parts.map(({ state, backup }, i): ReplicaState => {
      const left = backup ?? (state.weights ? answers[i]?.buffers : answers[i]?.buffers.slice(1));
      const vectors = left ?? this.#zeros(state);
      const { positions, carries } = state;
      return state.weights
        ? { positions, carries, weights: vectors[0]!, history: vectors.slice(1) }
        : { positions, carries, history: vectors };
    });
    return new TrainingStopped(cause.message, { ...from, replicas }, { notes: cause.notes, cause: cause.cause });
  }

  #zeros({ history, weights }: ReplicaState): readonly Float32Array[] {
    const { learnt, length } = this.#info!;
    return [...(weights ? [new Float32Array(length)] : []), ...history.map(() => new Float32Array(learnt))];
  }

  async test(net: number, weights: Float32Array, batches: number, positions?: readonly number[]): Promise<Scores> {
    const { feeds } = this.#plan!.tests[net]!;
    const bounds = this.#slots.map(({ index }) => Math.floor((index * batches) / this.replicas));
    const copy = () => [this.#buffers.copy(weights)];
    const answers = await allOrFirstError(
      this.#slots.map(async (slot, i) => {
        const first = bounds[i]!;
        const count = (bounds[i + 1] ?? batches) - first;
        if (count === 0) return [];
        const start = feeds.map(({ batchSize }, feed) => (positions?.[feed] ?? 0) + first * batchSize);
        const answer = await slot.call("test", { net, batches: count, positions: start }, copy(), { again: copy });
        this.#buffers.give(answer!.buffers);
        return [{ scores: answer!.result, batches: count }];
      }),
    );
    return meanScores(answers.flat());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot[Symbol.asyncDispose]()));
  }
}

/** Why a round of which nothing is left ends the training. */
const allLost = () =>
  new PartitionFailed("every worker was lost in one round, and lost parts are dropped", {
    notes: ["with --on-worker-loss redo they are done again"],
  });

/** Replaces every replica's history by the mean of all, slot by slot. */
function shareMean(histories: readonly (readonly Float32Array[])[]): void {
  const [first, ...others] = histories;
  first!.forEach((values, slot) => {
    mean(
      values,
      histories.map((each) => each[slot]!),
    );
    for (const other of others) other[slot]!.set(values);
  });
}

/** Waits for all, so that nothing is left running, and then throws the first error if there is one. */
async function allOrFirstError<T>(promises: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
