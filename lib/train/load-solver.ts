import { existsSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { Net } from "../api/net.js";
import { type From, type LoadOptions, loadSolver } from "../caffe/load.js";
import { amend, has } from "../caffe/message.js";
import type { Init, SolverParameter } from "../caffe/messages.js";
import { type SolverNet, solverNets, withTrainState } from "../caffe/solver-nets.js";
import { type GivenData, GivenRows } from "../data/feed/given-rows.js";
import type { DataChoice } from "../data/feed/net-feeds.js";
import type { Engine, Partition } from "../engine/engine.js";
import { hostsOn } from "../engine/hosts/make-host.js";
import { openEngine, replicaSession } from "../engine/open.js";
import { DataFrames } from "../engine/spark/data-frames.js";
import { NetrunError } from "../error.js";
import { layoutOf } from "../net/layout.js";
import type { RunOptions } from "../onnx/choose-session.js";
import { replicasOn } from "../onnx/device.js";
import { policyOf } from "../optim/rate.js";
import { methodOf, type SolverType } from "../optim/whole-batch.js";
import { checkOptions } from "../options/option.js";
import { HOSTS, PARALLEL } from "../options/parallel.js";
import { GRADIENTS, SESSION, STATE } from "../options/run.js";
import { SETTINGS } from "../options/settings.js";
import { TRAINING } from "../options/training.js";
import { apVersionOf } from "../run/average-precision.js";
import { compileSolver, type TestShape } from "../run/compile.js";
import { deadWeightWarnings } from "../run/dead-weights.js";
import type { TrainingPlan } from "../run/plan.js";
import { loadWeights, type Weights } from "../run/weights.js";
import { spanOf } from "../text/notes.js";
import { checkMemory, estimateMemory, type MemoryEstimate } from "./memory.js";
import { type ParallelOptions, rowsOfReplica, syncIntervalOf } from "./parallel.js";
import { netOfSolver } from "./solver-of-net.js";
import { solverSession } from "./solver-session.js";

export interface SolverOptions
  extends RunOptions,
    DataChoice,
    ParallelOptions,
    Pick<LoadOptions, "strict" | "onWarning" | "name" | "baseDir"> {
  /** Weights files to start from, in place of the solver's own `weights`. */
  readonly weights?: string | readonly string[] | undefined;
  /** A solverstate to go on from. */
  readonly snapshot?: string | undefined;
  /** Level and stages added to the state of the train net. */
  readonly level?: number | undefined;
  readonly stages?: readonly string[] | undefined;
  /** Fields of the solver in place of the file's. */
  readonly settings?: Init<SolverParameter> | undefined;
  /** Data that the data layers of the test nets read; `data` where undefined. */
  readonly testData?: GivenData | undefined;
  readonly testBatchSize?: number | undefined;
  /** Iterations over which the learning rate rises to the policy's. Default 0. */
  readonly warmUp?: number | undefined;
  /**
   * Iterations between statistics of every parameter and blob, as events (see docs/events.md). Each takes a forward pass more. Default 0:
   * none.
   */
  readonly statistics?: number | undefined;
  /**
   * True if the threads of a small net's steps are chosen by timing some passes, where `threads` does not say how many: by default in
   * trainings of at least 200 iterations. What was chosen is kept in the cache folder, so that later trainings of the net take the same:
   * last bits of matrix products depend on it.
   */
  readonly calibrate?: boolean | undefined;
  /** Caffe's gradient of Clip in place, which passes everywhere, instead of the formula's. Default false. */
  readonly caffeQuirks?: boolean | undefined;
}

/** A loaded solver: its nets, weights and engine, with the plan open in it. */
export interface SolverParts {
  /** Rows that were given as data, in files. */
  readonly rows: GivenRows;
  readonly parameter: SolverParameter;
  /** The train net as it was loaded, with the layers of all phases. */
  readonly source: SolverNet;
  readonly net: Net;
  readonly weights: Weights;
  readonly engine: Engine;
  readonly seed: number;
  readonly rule: SolverType;
  readonly prefix: string;
  readonly tests: readonly TestShape[];
  readonly memory: MemoryEstimate;
  readonly feedRows: readonly number[];
  readonly options: SolverOptions;
  readonly plan: TrainingPlan;
  readonly syncInterval: number | "auto";
  readonly partitions: readonly Partition[];
}

/** Iterations from which on a training is worth some passes that choose its threads. */
const LONG_ENOUGH = 200;

/** Seed where the solver has no random_seed: Caffe then takes the time, netrun runs the same way every time. */
const DEFAULT_SEED = 1;

/** Loads a solver's parts. Throws NetrunError, located, for what is wrong with any of them; nothing is left open then. */
export async function loadSolverParts(from: From<SolverParameter>, options: SolverOptions): Promise<SolverParts> {
  const rows = new GivenRows();
  try {
    return await loadWith(from, options, rows);
  } catch (error) {
    await rows[Symbol.asyncDispose]();
    throw error;
  }
}

async function loadWith(from: From<SolverParameter>, given: SolverOptions, rows: GivenRows): Promise<SolverParts> {
  const { workerTimeout } = HOSTS;
  const { averageHistory } = PARALLEL;
  const { testData: _, ...training } = TRAINING;
  checkOptions({ ...STATE, ...SESSION, ...GRADIENTS, ...training, workerTimeout, averageHistory }, given);
  if (given.settings !== undefined) checkOptions(SETTINGS, settingsGiven(given.settings));
  const { parameter, path, baseDir } = readSolver(from, given);
  checkFinite(parameter);
  apVersionOf(parameter.ap_version, spanOf(parameter, "ap_version"));
  policyOf(parameter);
  const session = await solverSession(parameter, given);
  const workers = given.workers ?? replicasOn(session);
  const options = workers === undefined ? given : hostsOn({ ...given, workers }, session);
  if (methodOf(parameter.type as SolverType) && ((options.workers ?? 1) > 1 || options.engine))
    throw new NetrunError(`${parameter.type} trains one replica on this machine, not several`, {
      span: spanOf(parameter, "type"),
      notes: [
        "the mean of parameters that replicas found along lines of their own is not a step of the method",
        "train with one worker, or with SGD, Nesterov or Adam",
      ],
    });
  const seed = parameter.random_seed >= 0 ? parameter.random_seed : DEFAULT_SEED;
  const known = typeof from === "string" ? undefined : netOfSolver(from);
  const nets = solverNets(parameter, { ...options, baseDir, known });
  const { batchSize, onBadRecord, transform, testBatchSize } = options;
  await using frames = new DataFrames(options.engine);
  const own = options.data ?? options.engine?.data;
  const data = await frames.resolve(await rows.resolve(own));
  const testData = await frames.resolve(await rows.resolve(options.testData ?? own));
  const { train, plan, tests } = await compileSolver(parameter, nets, {
    seed,
    session,
    caffeQuirks: options.caffeQuirks,
    calibrate: options.calibrate ?? parameter.max_iter >= LONG_ENOUGH,
    onWarning: options.onWarning,
    rows,
    data: { data, batchSize, onBadRecord, transform },
    testData: { data: testData, batchSize: testBatchSize, onBadRecord, transform, isTransformShared: true },
  });
  const memory = estimateMemory(train.lowered, plan, options);
  checkMemory(memory);
  const weights = await loadWeights(layoutOf(train.lowered), seed, weightFiles(options, parameter));
  // A snapshot brings its own.
  const warnings = options.snapshot === undefined ? deadWeightWarnings(train.net.layer, weights) : [];
  for (const warning of warnings) options.onWarning?.(warning);
  const net = new Net({ ...train, feeds: [] }, weights, seed, { session });
  const engine = openEngine(options, weights.diff);
  const syncInterval = syncIntervalOf(options);
  let partitions: readonly Partition[];
  try {
    partitions = await engine.open({ ...plan, session: replicaSession(options, plan.session) });
  } catch (error) {
    await engine[Symbol.asyncDispose]();
    throw error;
  }
  return {
    rows,
    parameter,
    source: nets.train,
    net,
    weights,
    engine,
    seed,
    rule: plan.solver.rule,
    prefix: snapshotPrefix(parameter, path),
    tests,
    memory,
    options,
    plan,
    syncInterval,
    partitions,
    feedRows: plan.train.feeds.map(({ batchSize }) => rowsOfReplica(options, batchSize * plan.solver.iterSize)),
  };
}

/** Throws NetrunError, at its place, for a field of a solver that is no number: prototxts may say nan and inf. */
function checkFinite(parameter: SolverParameter): void {
  for (const name of Object.keys(SETTINGS) as (keyof typeof SETTINGS & keyof SolverParameter)[]) {
    const value: unknown = parameter[name];
    if (typeof value === "number" && !Number.isFinite(value))
      throw new NetrunError(`${name} is ${value}, no number to train with`, { span: spanOf(parameter, name) });
  }
}

/** The settings to check: null clears a field, and the format is a number of Caffe's schema. */
const settingsGiven = (settings: object): unknown =>
  typeof settings !== "object" || settings === null || Array.isArray(settings)
    ? settings
    : Object.fromEntries(
        Object.entries(settings).filter(([name, value]) => value !== null && name !== "snapshot_format"),
      );

function readSolver(from: From<SolverParameter>, options: SolverOptions) {
  const { message, path, baseDir } = loadSolver(from, options);
  const changed = options.settings ? amend<SolverParameter>(message, options.settings) : message;
  const state = { level: options.level ?? 0, stage: options.stages ?? [] };
  const parameter = options.level === undefined && !options.stages?.length ? changed : withTrainState(changed, state);
  // The rate of a method that searches is a factor on its first steps.
  const searches = methodOf(parameter.type as SolverType) !== undefined && !has(parameter, "base_lr");
  const rated = searches ? amend<SolverParameter>(parameter, { base_lr: 1, lr_policy: "fixed" }) : parameter;
  return { parameter: rated, path, baseDir: options.baseDir ?? baseDir };
}

/** Files of weights: the option's, else the solver's, each of which may list several with commas between, as Caffe has it. */
function weightFiles({ weights, snapshot }: SolverOptions, parameter: SolverParameter): readonly string[] {
  if (snapshot !== undefined) return [];
  const lists = [weights ?? parameter.weights].flat();
  checkOptions({ weights: { type: "strings", describe: "" } }, { weights: lists });
  return lists.flatMap((list) => list.split(","));
}

/** Caffe's rule: without a prefix, or with a folder as prefix, files are named after the solver's. */
function snapshotPrefix({ snapshot_prefix: prefix }: SolverParameter, solverPath: string | undefined): string {
  const stem = (solverPath ?? "netrun").replace(/\.[^./\\]*$/, "");
  if (prefix === "") return stem;
  return existsSync(prefix) && statSync(prefix).isDirectory() ? join(prefix, basename(stem)) : prefix;
}
