import { readBytes, requireFile, requirePath } from "../caffe/files.js";
import { filterNet } from "../caffe/filter.js";
import { refusedFork } from "../caffe/forks/index.js";
import { amend, create, decode, encode, has, sub } from "../caffe/message.js";
import type { LayerParameter, NetParameter, NetState, SolverParameter } from "../caffe/messages.js";
import { Phase as PhaseNumber } from "../caffe/messages.js";
import type { SolverNets } from "../caffe/solver-nets.js";
import { readNamedSizes } from "../caffe/named-sizes.js";
import { storedBlob } from "../caffe/stored.js";
import type { Feed, FeedSpec } from "../data/feed/feed.js";
import type { GivenRows } from "../data/feed/given-rows.js";
import { netFeeds, type ResolvedChoice } from "../data/feed/net-feeds.js";
import { NetrunError, nearest, type Span } from "../error.js";
import {
  type Differs,
  extraFields,
  type PhaseName,
  pluginsOf,
  registeredTypes,
  type SourceBlob,
} from "../layers/index.js";
import { cropWarnings } from "../net/crop-offsets.js";
import { differencesFromCaffe } from "../net/differences.js";
import { readLabelMap } from "../data/source/label-map.js";
import type { LoweredNet } from "../net/lower.js";
import { sourcesOf } from "../net/sources.js";
import type { SessionOptions } from "../onnx/session.js";
import { methodOf, type SolverType, solverTypes } from "../optim/whole-batch.js";
import { spanOf } from "../text/notes.js";
import { type NetProgram, openModelProgram } from "./model-program.js";
import { openNet } from "./open-net.js";
import { pluginRows } from "./plugin-rows.js";
import type { NetPlan, SolverPlan, TestPlan, TrainingPlan } from "./plan.js";
import { rowsOfWholeTest } from "./whole-test.js";

/** Phase and settings that a net is compiled for. */
export interface NetContext extends ResolvedChoice {
  readonly state: NetState;
  /** Folder where paths inside the prototxt are looked up after the working directory. */
  readonly baseDir: string;
  readonly seed: number;
  /** Shapes of data blobs by name; data layers whose tops are all here are fed from outside. */
  readonly shapes?: Readonly<Record<string, readonly number[]>> | undefined;
  readonly session?: SessionOptions | undefined;
  /** True if gradients are Caffe's where its reuse of memory makes them other than the formula's. */
  readonly caffeQuirks?: boolean | undefined;
  /** Keeps the rows that plugins' data layers give, for as long as the net is there; without it they are not read. */
  readonly rows?: GivenRows | undefined;
  /** Called for what Caffe computes otherwise: values, and gradients of nets that train. */
  readonly onWarning?: ((warning: NetrunError) => void) | undefined;
}

/** A net of one phase with its data open: everything from the prototxt to a checked graph. */
export interface CompiledNetwork {
  readonly name: string;
  readonly phase: PhaseName;
  /** The layers of this phase. */
  readonly net: NetParameter;
  readonly feedSpecs: readonly FeedSpec[];
  readonly feeds: readonly Feed[];
  /** The blobs in files that layers name, by path. */
  readonly sources: ReadonlyMap<string, SourceBlob>;
  readonly program: NetProgram;
  readonly lowered: LoweredNet;
  readonly caffeQuirks: boolean;
}

/** The pipeline from a net in today's format to a graph. Throws NetrunError, located, for what is wrong with it. */
export async function compileNet(net: NetParameter, context: NetContext): Promise<CompiledNetwork> {
  const phase: PhaseName = context.state.phase === PhaseNumber.TRAIN ? "TRAIN" : "TEST";
  const refused = refusedFork(net, "");
  if (refused) throw refused;
  // 1. The layers of this phase, level and stages.
  const ofPhase = filterNet(net, context.state);
  // 2. The streams of its data layers, as far as nobody feeds them from outside.
  const shapes = context.shapes ?? {};
  const pathOf = (layer: LayerParameter, path: string) => dataPath(layer, path, context.baseDir);
  const rows =
    context.data === undefined ? await pluginRows(ofPhase.layer, phase, { ...context, shapes, pathOf }) : undefined;
  const { layers, specs } = netFeeds(ofPhase.layer, context, {
    phase,
    seed: context.seed,
    rows,
    given: Object.keys(shapes),
    paths: (layer) => (path) => pathOf(layer, path),
  });
  const filtered = amend(ofPhase, { layer: layers });
  // 3. Blobs that layers name as files are read.
  const sources = readSources(filtered, context.baseDir);
  // 4. The data is opened and the layers lowered.
  const { layer, force_backward: forceBackward } = filtered;
  const { caffeQuirks = false, onWarning } = context;
  const source = { layers: layer, forceBackward, phase, feeds: specs, shapes, sources, caffeQuirks };
  const { net: lowered, ...opened } = await openNet(source, context.session);
  const compiled = { name: net.name, phase, net: filtered, feedSpecs: specs, sources, lowered, caffeQuirks, ...opened };
  // 5. Where Caffe's numbers are others than the formulas', it is told.
  if (onWarning) for (const warning of caffeWarnings(compiled, "trainable")) onWarning(warning);
  return compiled;
}

/**
 * Warnings of where Caffe computes other values than the net or, where it trains or all gradients are wanted, other gradients. Each
 * is told once.
 */
export function caffeWarnings(compiled: CompiledNetwork, wanted: "trainable" | "all"): readonly NetrunError[] {
  const { net, phase, lowered, caffeQuirks } = compiled;
  const found = differencesFromCaffe(net.layer, {
    phase,
    types: registeredTypes(),
    forceBackward: net.force_backward,
    learning: new Set(lowered.differentiated.flatMap(({ users }) => users.map(({ layer }) => layer))),
    wanted,
    caffeQuirks,
  });
  const isTold = (differs: Differs) => differs === "values" || wanted === "all" || phase === "TRAIN";
  return [...cropWarnings(net.layer), ...found.filter(({ differs }) => isTold(differs)).map(({ warning }) => warning)];
}

/** A receiver of warnings that gets each but once: of the nets of a solver, most layers are in several. */
export function once(onWarning: (warning: NetrunError) => void): (warning: NetrunError) => void {
  const told = new Set<string>();
  return (warning) => {
    const text = warning.format();
    if (!told.has(text)) onWarning(warning);
    told.add(text);
  };
}

/** A converted ONNX file in the place of a net: what it computes runs, and nothing else is known of it. */
export async function compileModelFile(path: string, session: SessionOptions): Promise<CompiledNetwork> {
  const { program, lowered } = await openModelProgram(path, session);
  const net = create("NetParameter", { name: path });
  return {
    name: path,
    phase: "TEST",
    net,
    feedSpecs: [],
    feeds: [],
    sources: new Map(),
    program,
    lowered,
    caffeQuirks: false,
  };
}

/** A solver's nets compiled, and the plan that engines get. */
export interface CompiledSolver {
  readonly train: CompiledNetwork;
  readonly plan: TrainingPlan;
  readonly tests: readonly TestShape[];
}

/** Description of a test net before it runs. */
export interface TestShape {
  /** Batches of a test. */
  readonly iterations: number;
  readonly outputs: readonly string[];
  /** Weight in the objective of each blob that counts in it. */
  readonly lossWeights: ReadonlyMap<string, number>;
}

/** Compiles a solver's nets. The test nets are lowered once to check them, and again where they run. */
export async function compileSolver(
  solver: SolverParameter,
  nets: SolverNets,
  options: {
    readonly seed: number;
    readonly session: SessionOptions;
    readonly data?: ResolvedChoice;
    readonly testData?: ResolvedChoice;
    readonly rows?: GivenRows | undefined;
    readonly caffeQuirks?: boolean | undefined;
    readonly calibrate?: boolean | undefined;
    readonly onWarning?: ((warning: NetrunError) => void) | undefined;
  },
): Promise<CompiledSolver> {
  const { seed, session, data, testData = data, caffeQuirks, rows } = options;
  const context = { seed, session, caffeQuirks, rows, onWarning: options.onWarning && once(options.onWarning) };
  const train = await compileNet(nets.train.net, { ...nets.train, ...data, ...context });
  await checkAll(train.feeds);
  const plans: TestPlan[] = [];
  const layers = [...train.net.layer];
  const tests: TestShape[] = [];
  for (const test of nets.test) {
    const compiled = await compileNet(test.net, { ...test, ...testData, ...context });
    await checkAll(compiled.feeds);
    const wholeRows = test.iterations > 0 ? undefined : rowsOfWholeTest(compiled, context.onWarning);
    plans.push({ ...netPlan(compiled), wholeRows });
    for (const layer of compiled.net.layer) layers.push(layer);
    tests.push({
      iterations: test.iterations > 0 ? test.iterations : batchesOf(compiled),
      outputs: compiled.lowered.outputs,
      lossWeights: new Map(compiled.lowered.losses.map(({ blob, weight }) => [blob, weight])),
    });
  }
  return {
    train,
    tests,
    plan: {
      train: netPlan(train),
      tests: plans,
      solver: solverPlan(solver, seed),
      session,
      calibrate: options.calibrate,
      plugins: pluginsOf(layers),
    },
  };
}

/** The blobs in files that layers name (InfogainLoss's matrix, sizes of images, names of classes). Throws NetrunError if one is not to be read. */
export function readSources(net: NetParameter, baseDir: string): ReadonlyMap<string, SourceBlob> {
  return new Map(
    sourcesOf(net.layer, registeredTypes()).map(({ path, as }) => {
      if (as === "sizes") return [path, readSizes(path, baseDir)];
      if (as === "labels") return [path, readLabels(path, baseDir)];
      const { path: file, bytes } = readBytes(path, { baseDir });
      return [path, storedBlob(decode("BlobProto", bytes, file), "the blob", file)];
    }),
  );
}

/** Heights and widths [lines, 2] of a file of lines of a name, a height and a width. */
function readSizes(path: string, baseDir: string): SourceBlob {
  const images = readNamedSizes(path, { baseDir });
  const sizes = images.flatMap(({ height, width }) => [height, width]);
  return { shape: [images.length, 2], data: Float32Array.from(sizes), names: images.map(({ name }) => name) };
}

/** Labels and names of a label map. */
function readLabels(path: string, baseDir: string): SourceBlob {
  const classes = readLabelMap(requireFile(path, { baseDir }));
  const labels = Float32Array.from(classes, ({ label }) => label);
  return { shape: [classes.length], data: labels, names: classes.map(({ name }) => name) };
}

/** Batches of one epoch of a net's data, the last one with what is left, or filled from the start again. */
function batchesOf({ feeds, feedSpecs }: CompiledNetwork): number {
  const batches = feeds.map((feed, i) => Math.ceil(feed.length / feedSpecs[i]!.batchSize));
  return batches.filter(Number.isFinite).reduce((a, b) => Math.max(a, b), 1);
}

/** A compiled net as engines get it. */
export function netPlan({ net, phase, feedSpecs, sources, lowered, caffeQuirks }: CompiledNetwork): NetPlan {
  const shapes = Object.fromEntries([...lowered.inputs].map(([name, { type }]) => [name, type.shape]));
  return { net: encode(net), phase, feeds: feedSpecs, shapes, sources, extras: extraFields(net.layer), caffeQuirks };
}

/** Demands of Caffe's solvers on their fields. Source: sgd_solvers.hpp. */
function checkRule(solver: SolverParameter): void {
  const { type, momentum, rms_decay } = solver;
  if ((type === "AdaGrad" || type === "RMSProp") && momentum !== 0) {
    throw new NetrunError(`${type} has no momentum`, {
      span: spanOf(solver, "momentum"),
      notes: ["remove momentum, or choose SGD, Nesterov or Adam"],
    });
  }
  if (type === "RMSProp" && !(rms_decay >= 0 && rms_decay < 1)) {
    throw new NetrunError(`rms_decay is ${rms_decay}; it must be 0 or more and below 1`, {
      span: spanOf(solver, "rms_decay"),
    });
  }
}

/** Throws NetrunError for fields that mean nothing to methods that search along lines. */
function checkMethod(solver: SolverParameter): void {
  const { type, momentum, clip_gradients, regularization_type, weight_decay, debug_info } = solver;
  if (!methodOf(type as SolverType)) return;
  const refused: readonly (readonly [keyof SolverParameter & string, boolean, string])[] = [
    ["momentum", momentum !== 0, "it finds its steps by searching"],
    ["clip_gradients", has(solver, "clip_gradients") && clip_gradients >= 0, "it finds its steps by searching"],
    [
      "regularization_type",
      regularization_type === "L1" && weight_decay !== 0,
      "its objective must be smooth, as with L2",
    ],
    ["l1_decay", solver.l1_decay !== 0, "its objective must be smooth, as with L2"],
    ["debug_info", debug_info, "it shows the updates of SGD"],
  ];
  for (const [field, isGiven, why] of refused)
    if (isGiven) throw new NetrunError(`${type} has no ${field}`, { span: spanOf(solver, field), notes: [why] });
}

/** The penalty of a solver's weight_decay and l1_decay. Throws NetrunError for a regularization_type that is none. */
function decayOf(solver: SolverParameter): Pick<SolverPlan, "regularization" | "weightDecay"> {
  const { regularization_type: type, weight_decay: decay, l1_decay: l1 } = solver;
  if (type !== "L1" && type !== "L2") {
    throw new NetrunError(`unknown regularization_type "${type}"`, {
      span: spanOf(solver, "regularization_type"),
      notes: ["types: L1, L2; both: weight_decay with L2, and l1_decay"],
    });
  }
  if (type === "L1") return { regularization: "L1", weightDecay: decay + l1 };
  if (l1 === 0) return { regularization: "L2", weightDecay: decay };
  if (decay === 0) return { regularization: "L1", weightDecay: l1 };
  return { regularization: { l1: l1 / decay }, weightDecay: decay };
}

function solverPlan(solver: SolverParameter, seed: number): SolverPlan {
  const known = solverTypes;
  if (!known.includes(solver.type)) {
    const near = nearest(solver.type, known);
    throw new NetrunError(`unknown solver type "${solver.type}"`, {
      span: spanOf(solver, "type"),
      notes: [near ? `did you mean "${near}"?` : `types: ${known.join(", ")}`],
    });
  }
  if (solver.iter_size < 1) {
    throw new NetrunError("iter_size must be at least 1", { span: spanOf(solver, "iter_size") });
  }
  if (solver.batch_iterations < 1)
    throw new NetrunError("batch_iterations must be at least 1", { span: spanOf(solver, "batch_iterations") });
  const refused = refusedFork(solver, "");
  if (refused) throw refused;
  checkRule(solver);
  checkMethod(solver);
  const { momentum, momentum2, rms_decay, delta } = solver;
  return {
    rule: solver.type as SolverType,
    settings: { momentum, momentum2, rms_decay, delta },
    ...decayOf(solver),
    clipGradients: has(solver, "clip_gradients") ? solver.clip_gradients : -1,
    iterSize: solver.iter_size,
    ...(solver.batch_iterations > 1 && { batchIterations: solver.batch_iterations }),
    debugInfo: solver.debug_info,
    seed,
  };
}

/** Path of a data layer's source. Throws NetrunError at that name, with what to do without the data. */
function dataPath(layer: LayerParameter, path: string, baseDir: string): string {
  try {
    return requirePath(path, { baseDir, span: spanOfText(layer, path) });
  } catch (error) {
    if (!(error instanceof NetrunError)) throw error;
    const { message, span, notes } = error;
    const isMean = has(layer, "transform_param") && sub(layer, "transform_param").mean_file === path;
    throw new NetrunError(`layer "${layer.name}": ${message}`, {
      span,
      notes: [
        ...notes,
        isMean
          ? "in its place: --mean-file PATH, --mean-value B,G,R or --no-mean, with --scale N and --crop-size N for what else the net says (in the API transform: { meanFile, meanValues or noMean, scale, cropSize })"
          : "without this data: --data PATH, replaceDataLayers, or the option `shapes` to feed the blobs yourself",
      ],
    });
  }
}

/** The place of a text in a layer's own parameters, or else of the layer. */
function spanOfText(layer: LayerParameter, text: string): Span | undefined {
  for (const param of Object.values(layer)) {
    if (param === null || typeof param !== "object") continue;
    for (const [field, value] of Object.entries(param)) if (value === text) return spanOf(param, field);
  }
  return spanOf(layer);
}

/** Has feeds look for records that training would fail at, and closes them. */
async function checkAll(feeds: readonly Feed[]): Promise<void> {
  try {
    for (const feed of feeds) await feed.check();
  } finally {
    await closeAll(feeds);
  }
}

async function closeAll(feeds: readonly Feed[]): Promise<void> {
  for (const feed of feeds) await feed[Symbol.asyncDispose]();
}
