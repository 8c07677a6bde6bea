import type { ByteRows } from "../data/feed/byte-rows.js";
import { shardRange } from "../data/source/source.js";
import { NetrunError } from "../error.js";
import { sameShape } from "../graph/index.js";
import { loadPlugins } from "../layers/index.js";
import { type Layout, layoutOf, view } from "../net/layout.js";
import type { RunRequest } from "../run/compiled-net.js";
import { checkGiven } from "../run/inputs.js";
import { closeNet, nextBatch, type OpenNet, openPlan, recycle, runNet, seek } from "../run/open-net.js";
import type { TrainingPlan } from "../run/plan.js";
import { RepeatedBatches } from "../run/repeated-batches.js";
import { openStep } from "../run/open-step.js";
import { chosenBefore, keepChoice } from "../run/thread-memory.js";
import { isWorthTrials, type ThreadChoice, tryThreads } from "../run/thread-trials.js";
import { always, batchesOf, type Step } from "../run/step.js";
import { createMissing } from "../run/weights.js";
import { firstRows } from "../run/whole-test.js";
import { drawTowards, type WeightedSums, weightedSums } from "./averaging/average.js";
import type { Partition, Report, Scores, Work } from "./engine.js";
import { concatenated } from "./reports.js";
import type { ReplicaPlace } from "./state.js";
import { openStore, type StorePlace } from "./state-store.js";

/** A test net, and the parameters that the train net does not have, filled, by key. */
interface TestRunner extends OpenNet {
  readonly own: ReadonlyMap<string, Float32Array>;
}

/** A plan for one of several replicas. */
export interface ReplicaPlan extends TrainingPlan {
  /** Its index: each draws random numbers of its own. Default 0. */
  readonly replica?: number | undefined;
  /** Elastic averaging's alpha, where the replica keeps parameters of its own. */
  readonly alpha?: number | undefined;
}

/** Report of a replica on a round, and where it is in its data. */
export interface ReplicaReport extends Report, ReplicaPlace {
  /** All that its iterations took. */
  readonly computeMs: number;
}

/** Engine's facts of its replicas; plain data. */
export interface ReplicaInfo {
  /** Floats of all parameters, and of those that training changes. */
  readonly length: number;
  readonly trainable: number;
  /** Vectors of the update rule's history, each of `trainable` floats. */
  readonly slots: number;
  readonly sums: readonly WeightedSums[];
  /** Records consumed of each train feed. */
  readonly positions: readonly number[];
  /** Rows of the whole data of each train feed. */
  readonly rows: readonly number[];
  /** The train feeds that have an end. */
  readonly partitions: readonly Partition[];
}

/** A training does not end because a file of HDF5Output cannot be written. */
const GOES_ON = true;

/** The threads of a plan's steps, where it has them chosen: as before on this machine, or by trials. */
async function chosenThreads(
  { calibrate, session, train }: TrainingPlan,
  net: OpenNet,
): Promise<ThreadChoice | undefined> {
  if (!calibrate || session.threads !== undefined || (session.provider ?? "cpu") !== "cpu") return undefined;
  if (!isWorthTrials(net.net)) return undefined;
  const before = chosenBefore(train);
  if (before) return before;
  const choice = await tryThreads(net);
  await keepChoice(train, choice);
  return choice;
}

/** One copy of a model and its shard of the data: what every engine runs, wherever it is. */
export class Replica implements AsyncDisposable {
  readonly #plan: ReplicaPlan;
  /** The place where an iteration began that failed, some of whose batches may have been read: training goes on from there. */
  #failed: ReplicaPlace | undefined;
  /** The threads that were chosen, until they are told. */
  #choice: ThreadChoice | undefined;
  readonly #train: OpenNet;
  readonly #tests: readonly TestRunner[];
  readonly #layout: Layout;
  readonly #step: Step;
  readonly #history: readonly Float32Array[];
  /** The batches that several iterations are to have, where the solver says so. */
  readonly #repeated: RepeatedBatches | undefined;
  /** The tops whose rows come as bytes. */
  readonly #byteRows: ReadonlyMap<string, ByteRows>;
  /** Its own parameters under elastic averaging, from the first round on. */
  #own: Float32Array | undefined;

  private constructor(plan: ReplicaPlan, train: OpenNet, tests: readonly TestRunner[], gradients?: Float32Array) {
    this.#plan = plan;
    this.#train = train;
    this.#tests = tests;
    this.#layout = layoutOf(train.net);
    const { solver, session } = plan;
    this.#step = openStep(train, solver, { session, seed: replicaSeed(plan), gradients });
    this.#history = this.#step.newHistory();
    const { batchIterations: times = 1, iterSize } = solver;
    this.#repeated = times > 1 ? new RepeatedBatches(train.feeds, times, iterSize) : undefined;
    const sent = this.#step.takesBytes ? train.feeds.map((feed) => feed.sendBytes?.()) : [];
    this.#byteRows = new Map(sent.flatMap((rows) => (rows ? [[rows.top, rows] as const] : [])));
  }

  /** Opens the data and lowers the nets of a plan. Gradients are kept in `gradients` where a buffer is given. */
  static async open(given: ReplicaPlan, gradients?: Float32Array): Promise<Replica> {
    await loadPlugins(given.plugins);
    const opened = await openPlan(given.train, given.session, GOES_ON);
    const choice = await chosenThreads(given, opened);
    const threads = choice?.threads ?? given.session.threads;
    const plan = { ...given, session: { ...given.session, threads } };
    const train = { ...opened, program: opened.program.withThreads(threads) };
    const tests: TestRunner[] = [];
    try {
      const layout = layoutOf(train.net);
      for (const test of plan.tests) {
        const runner = await openPlan(test, plan.session, GOES_ON);
        tests.push({ ...runner, own: createMissing(layoutOf(runner.net), plan.solver.seed, layout) });
      }
      const replica = new Replica(plan, train, tests, gradients);
      replica.#choice = choice;
      return replica;
    } catch (error) {
      for (const runner of [train, ...tests]) await closeNet(runner);
      throw error;
    }
  }

  get info(): ReplicaInfo {
    const { length, trainable } = this.#layout;
    const { train, replica = 0 } = this.#plan;
    const partitions = this.#train.feeds.flatMap((feed, i) => {
      const spec = train.feeds[i]!;
      const { start, end } = shardRange(spec.shard, feed.length);
      const readers = spec.kind === "records" ? (spec.every ?? 1) : 1;
      const rows = Math.floor((end - start) / readers);
      return Number.isFinite(feed.length) ? [{ replica, feed: i, rows, batchSize: spec.batchSize }] : [];
    });
    const { positions } = this.place;
    const { length: slots } = this.#history;
    const rows = this.#train.feeds.map((feed) => feed.length);
    return { length, trainable, slots, sums: weightedSums(this.#layout), positions, rows, partitions };
  }

  /** The vectors of its state, in the order of `vectorsOf`. */
  get #vectors(): readonly Float32Array[] {
    return this.#own ? [...this.#history, this.#own] : this.#history;
  }

  /** Copies the vectors of its state into `room`, which has as many of the same lengths; the rest of its state. */
  save(room: readonly Float32Array[]): ReplicaPlace {
    for (const [i, values] of this.#vectors.entries()) room[i]!.set(values);
    return this.place;
  }

  /** Copies the vectors of its state into a store, which outlives it. */
  keep(place: StorePlace): void {
    const store = openStore(place);
    store.write(this.#vectors);
    store.close();
  }

  /** Sets its state; the vectors, as `save` gives them, are copied. */
  async restore(place: ReplicaPlace, vectors: readonly Float32Array[]): Promise<void> {
    const own = vectors[this.#history.length];
    if (own === undefined) this.#own = undefined;
    else this.#own ??= new Float32Array(own.length);
    for (const [i, values] of this.#vectors.entries()) values.set(vectors[i]!);
    await this.#goTo(place);
  }

  /** Sets its state to the one whose vectors a replica of the plan has kept in a store after a round. */
  async restoreFrom(kept: StorePlace, place: ReplicaPlace): Promise<void> {
    if (this.#plan.alpha !== undefined) this.#own ??= new Float32Array(this.#layout.length);
    const store = openStore(kept);
    store.read(this.#vectors);
    store.close();
    await this.#goTo(place);
  }

  async #goTo({ positions, carries }: ReplicaPlace): Promise<void> {
    this.#failed = undefined;
    this.#repeated?.forget();
    await seek(this.#train.feeds, positions);
    if (carries) this.#train.program.carry(carries);
  }

  /** The parts of its state that are no vectors. */
  get place(): ReplicaPlace {
    return this.#failed ?? this.#reached;
  }

  get #reached(): ReplicaPlace {
    return {
      positions: this.#repeated?.positions ?? this.#train.feeds.map(({ position }) => position),
      carries: this.#train.program.carried,
    };
  }

  /**
   * Trains from `weights`, in place; under elastic averaging from its own parameters, and `weights` are then what it takes part in
   * the average with. `progress` is called after every iteration.
   */
  async round(weights: Float32Array, work: Work, progress: () => void = () => {}): Promise<ReplicaReport> {
    const { alpha } = this.#plan;
    if (alpha === undefined) return this.#iterate(weights, work, progress);
    this.#own ??= weights.slice();
    const report = await this.#iterate(this.#own, work, progress);
    drawTowards(this.#own, weights, alpha, this.#layout.trainable);
    return report;
  }

  async #iterate(weights: Float32Array, work: Work, progress: () => void): Promise<ReplicaReport> {
    const began = performance.now();
    const { net, feeds } = this.#train;
    if (work.batch) checkGiven(net.inputs, work.batch);
    if (this.#failed) await this.#goTo(this.#failed);
    const read = batchesOf(feeds, this.#byteRows);
    const batches = work.batch ? always(work.batch) : (this.#repeated?.from(work.iteration, read) ?? read);
    let place = this.#reached;
    const state = { weights, history: this.#history };
    const done = () => {
      place = this.#reached;
      progress();
    };
    // One replica stands for all.
    const statistics = (this.#plan.replica ?? 0) === 0 ? work.statistics : 0;
    const report = await this.#step.run({ ...work, statistics }, batches, state, done).catch((error: unknown) => {
      this.#failed = place;
      throw error;
    });
    const threads = this.#choice;
    this.#choice = undefined;
    const skipped = feeds.reduce((sum, feed) => sum + feed.skipped.count, 0);
    return { ...report, threads, ...this.place, skipped, computeMs: performance.now() - began };
  }

  /** Runs a test net over its next batches with some weights of the train net, parameters matched by layer name. */
  async test(
    index: number,
    weights: Float32Array,
    batches: number,
    positions: readonly number[] = [],
  ): Promise<Scores> {
    const runner = this.#tests[index]!;
    await seek(runner.feeds, positions);
    const shared = sharedWeights(this.#layout, weights, runner);
    const request: RunRequest = { blobs: runner.net.outputs, objective: true };
    const sums: Record<string, Float64Array> = {};
    const rows: Record<string, Float32Array[]> = {};
    let loss = 0;
    let weight = 0;
    const { wholeRows = Number.POSITIVE_INFINITY } = this.#plan.tests[index]!;
    for (let i = 0; i < batches; i++) {
      const left = wholeRows - (runner.feeds[0]?.position ?? 0);
      const batch = await nextBatch(runner.feeds);
      const size = this.#plan.tests[index]!.feeds[0]?.batchSize ?? 1;
      const isCut = left < size;
      const share = isCut ? left / size : 1;
      const draw = [this.#plan.solver.seed, i] as const;
      const result = await runNet(runner, request, isCut ? firstRows(batch, left) : batch, shared, draw);
      loss += share * result.objective;
      weight += share;
      for (const [name, values] of Object.entries(result.blobs)) {
        if (runner.net.evaluated.has(name)) {
          rows[name] = [...(rows[name] ?? []), values.slice()];
          continue;
        }
        sums[name] ??= new Float64Array(values.length);
        const sum = sums[name];
        values.forEach((value, j) => {
          sum[j]! += share * value;
        });
      }
      recycle(runner.feeds, batch, result.blobs);
    }
    const outputs = Object.fromEntries(
      Object.entries(sums).map(([name, sum]) => [name, Float32Array.from(sum, (value) => value / weight)]),
    );
    const gathered = Object.fromEntries(Object.entries(rows).map(([name, parts]) => [name, concatenated(parts)]));
    return { outputs, gathered, loss: loss / weight, weight, positions: runner.feeds.map(({ position }) => position) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const runner of [this.#train, ...this.#tests]) await closeNet(runner);
    await this.#step[Symbol.asyncDispose]();
  }
}

/** Distance between the seeds of two replicas: odd, so that all of the first 2^32 replicas have different ones. */
const SEED_STRIDE = 0x9e3779b1;

/** Random key of a replica; the first one's is the solver's own seed. */
const replicaSeed = ({ solver, replica = 0 }: ReplicaPlan): number =>
  replica === 0 ? solver.seed : (solver.seed + Math.imul(replica, SEED_STRIDE)) >>> 0;

/** The parameters of a test net by key: views of the train net's of the same layer and index, and its own. */
function sharedWeights(
  from: Layout,
  weights: Float32Array,
  { net, own }: TestRunner,
): ReadonlyMap<string, Float32Array> {
  const shared = net.parameters.map(({ key, spec: { shape } }) => {
    const source = from.slots.get(key);
    if (!source) return [key, own.get(key)!] as const;
    const has = source.parameter.spec.shape;
    if (!sameShape(has, shape))
      throw new NetrunError(`parameter ${key} is [${has}] in the train net and [${shape}] in the test net`);
    return [key, view(weights, source)] as const;
  });
  return new Map(shared);
}
