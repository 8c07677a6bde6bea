import { requirePath } from "../caffe/files.js";
import { mergeStates } from "../caffe/filter.js";
import { type From, loadNet } from "../caffe/load.js";
import { create } from "../caffe/message.js";
import { type NetParameter, Phase as PhaseNumber } from "../caffe/messages.js";
import type { StoredWeights } from "../caffe/stored.js";
import { weightPieces } from "../caffe/weight-pieces.js";
import { readWeights } from "../caffe/weights.js";
import type { Feed } from "../data/feed/feed.js";
import { GivenRows } from "../data/feed/given-rows.js";
import type { Tensor, Tensors } from "../data/tensor.js";
import { NetrunError } from "../error.js";
import { replaceFile, writePieces } from "../file.js";
import { count } from "../graph/index.js";
import { type PhaseName, pluginsOf } from "../layers/index.js";
import { Lifetime } from "../lifetime.js";
import { layoutOf, view } from "../net/layout.js";
import { chooseSession } from "../onnx/choose-session.js";
import type { SessionOptions } from "../onnx/session.js";
import { checkOptions } from "../options/option.js";
import { NET } from "../options/run.js";
import { type CompiledNetwork, caffeWarnings, compileModelFile, compileNet, netPlan, once } from "../run/compile.js";
import { WeightWatch } from "../run/constants.js";
import { Inference } from "../run/inference.js";
import { checkGiven, inputsOf, type NetInputs, topGradients, unknownBlob } from "../run/inputs.js";
import type { NetProgram } from "../run/model-program.js";
import type { ForwardPlan } from "../run/plan.js";
import { type Arrays, checkParameters, type RunRequest, type RunResult } from "../run/program.js";
import {
  type Blob,
  blobsByLayer,
  copyTrainedLayers,
  createWeights,
  type FlatWeights,
  loadWeights,
  type Weights,
} from "../run/weights.js";

import { type ForwardOptions, layerOf, type NetLayer, type NetOptions } from "./net-options.js";
import { PartialForward } from "./partial-forward.js";

export type { Blob, ForwardOptions, NetLayer, NetOptions, Tensor, Tensors };

const FORWARD = {
  blobs: { type: "names", describe: "Blobs to give" },
  start: { type: "string", describe: "The first layer" },
  end: { type: "string", describe: "The last layer" },
} as const;

/** Inputs of the last forward: backward runs on the same. */
interface LastForward extends NetInputs {
  readonly weights: FlatWeights;
  readonly draw: readonly [seed: number, counter: number];
}

/**
 * A Caffe net of one phase, ready to run: forward, backward, weights in and out.
 * It is compiled for the shapes of its inputs, and again when they change.
 */
export class Net implements AsyncDisposable {
  /** The net's name in its prototxt. */
  readonly name: string;
  readonly phase: PhaseName;
  /** Names of the blobs that come from outside: tops of Input and data layers. */
  readonly inputs: readonly string[];
  /** Names of the blobs that no layer consumes. */
  readonly outputs: readonly string[];
  /** Outputs that are rows of detections which hit or miss boxes: a test makes mean average precision of them. */
  readonly evaluated: ReadonlySet<string>;
  /** Weight in the objective of each blob that counts in it. */
  readonly lossWeights: ReadonlyMap<string, number>;
  /** Shapes of all blobs by name, as the inputs last had them. */
  shapes: ReadonlyMap<string, readonly number[]>;
  /** Values of blobs by name, as forwards last gave them: pycaffe's `net.blobs`. */
  readonly blobs: ReadonlyMap<string, Tensor>;
  /** Layers of the phase by name, in their order. */
  readonly layers: ReadonlyMap<string, NetLayer>;
  /** Parameter blobs by layer name. Writing into `data` takes effect at the next forward. */
  readonly params: ReadonlyMap<string, readonly Blob[]>;
  readonly #compiled: CompiledNetwork;
  readonly #program: NetProgram;
  readonly #feeds: readonly Feed[];
  readonly #weights: Weights;
  readonly #watch: WeightWatch;
  readonly #inference: Inference;
  readonly #seed: number;
  readonly #blobs: readonly string[];
  readonly #values = new Map<string, Tensor>();
  readonly #partial: PartialForward;
  /** True if forward changes parameters: BatchNorm's running blobs. */
  readonly #hasState: boolean;
  /** Rows that were given as data, in files. */
  readonly #rows: GivenRows | undefined;
  readonly #life = new Lifetime("net");
  #forwards = 0;
  #last: LastForward | undefined;

  /** The converted file that stands for the net's layers; undefined where there are layers. */
  #modelFile: string | undefined;

  /** Called, until the first backward, for what Caffe computes otherwise. */
  #warn: ((warning: NetrunError) => void) | undefined;

  /** A net from its compiled form; the weights are shared with whoever else has them, who may write those of a net of phase TRAIN. */
  constructor(
    compiled: CompiledNetwork,
    weights: Weights,
    seed: number,
    { rows, session = {} }: { readonly rows?: GivenRows; readonly session?: SessionOptions } = {},
  ) {
    const { lowered } = compiled;
    this.name = compiled.name;
    this.phase = compiled.phase;
    this.inputs = [...lowered.inputs.keys()];
    this.outputs = lowered.outputs;
    this.evaluated = new Set(lowered.evaluated.keys());
    this.lossWeights = new Map(lowered.losses.map(({ blob, weight }) => [blob, weight]));
    this.shapes = new Map([...lowered.blobs].map(([blob, { type }]) => [blob, type.shape]));
    this.#watch = new WeightWatch(weights);
    this.params = blobsByLayer(weights, (slot) => this.#watch.handOut(slot));
    this.blobs = this.#values;
    this.layers = new Map(compiled.net.layer.map((layer) => [layer.name, layerOf(layer, this.params)]));
    this.#partial = new PartialForward(compiled, weights, session);
    this.#inference = new Inference(compiled.program, lowered, weights, this.#watch);
    this.#compiled = compiled;
    this.#program = compiled.program;
    this.#feeds = compiled.feeds;
    this.#weights = weights;
    this.#seed = seed;
    this.#blobs = [...lowered.blobs.keys()];
    this.#hasState = lowered.states.size > 0;
    this.#rows = rows;
  }

  /**
   * Loads a net from the path of a prototxt, its text, or its message (as ProtoLoader gives it). Data layers open their data, which `forward` then reads batch by batch.
   * The path of a converted `.onnx` file gives a net of its inputs and outputs, which runs forward.
   * Throws NetrunError, located, for what is wrong with the prototxt, the weights or the data.
   */
  static async load(from: From<NetParameter>, options: NetOptions = {}): Promise<Net> {
    checkOptions(NET, options);
    const { phase = "TEST", seed = 1, weights = [] } = options;
    const { shapes, batchSize, onBadRecord, transform, caffeQuirks } = options;
    const choice = { shapes, batchSize, onBadRecord, transform, caffeQuirks };
    if (typeof from === "string" && from.endsWith(".onnx")) return Net.#loadModel(from, options);
    const { message, baseDir } = loadNet(from, options);
    const wanted = { phase: PhaseNumber[phase], level: options.level ?? 0, stage: options.stages ?? [] };
    const state = mergeStates(message.state, create("NetState", wanted));
    const onWarning = options.onWarning && once(options.onWarning);
    const session = await chooseSession(options);
    const rows = new GivenRows();
    let compiled: CompiledNetwork | undefined;
    let net: Net | undefined;
    try {
      compiled = await compileNet(message, {
        state,
        baseDir: options.baseDir ?? baseDir,
        seed,
        ...choice,
        rows,
        data: await rows.resolve(options.data),
        session,
        onWarning,
      });
      net = new Net(compiled, await loadWeights(layoutOf(compiled.lowered), seed, [weights].flat()), seed, {
        rows,
        session,
      });
      net.#warn = onWarning;
      return net;
    } catch (error) {
      if (!net && compiled) await closeCompiled(compiled);
      await (net ?? rows)[Symbol.asyncDispose]();
      throw error;
    }
  }

  static async #loadModel(path: string, options: NetOptions): Promise<Net> {
    if ([options.weights ?? []].flat().length > 0) {
      throw new NetrunError("a converted file has its weights in it", { file: path, notes: ["leave weights out"] });
    }
    if (options.phase === "TRAIN")
      throw new NetrunError("a converted file is for inference only", { file: path, notes: ["leave the phase out"] });
    const compiled = await compileModelFile(requirePath(path), await chooseSession(options));
    const net = new Net(compiled, createWeights(layoutOf(compiled.lowered), 1), options.seed ?? 1);
    net.#modelFile = path;
    return net;
  }

  /**
   * Runs the net forward; every blob by name, or those asked for. Inputs of other shapes than before reshape the net, as in Caffe.
   * Inputs of data layers may be left out: they are the layer's next batch.
   *
   * Some blobs of a net of phase TEST come from a model with the weights in it, folded: the same numbers as without `blobs` up to
   * rounding. It is made at the first such forward and while the weights stay as they are; written weights count at once.
   * Throws NetrunError for an input that is missing, misnamed or misshapen, and for a blob that is not there.
   */
  async forward(inputs: Tensors = {}, options: ForwardOptions = {}): Promise<Tensors> {
    return (await this.#life.run(() => this.#forward(inputs, options, false))).blobs;
  }

  /** A forward, and the objective of its batch: every loss by its weight, of unnamed tops too. Throws what `forward` throws. */
  score(
    inputs: Tensors = {},
    options: ForwardOptions = {},
  ): Promise<{ readonly blobs: Tensors; readonly loss: number }> {
    return this.#life.run(() => this.#forward(inputs, options, true));
  }

  async #forward(inputs: Tensors, options: ForwardOptions, objective: boolean) {
    checkOptions(FORWARD, options);
    const { blobs: wanted } = options;
    if (options.start !== undefined || options.end !== undefined) {
      this.#needLayers("has no layer to start or end at");
      const { names, result } = await this.#partial.run(inputs, options, {
        values: this.#values,
        nextBatch: () => this.#nextBatch(inputs),
        draw: [this.#seed, this.#forwards++],
        objective,
      });
      this.#keepStates(result.states);
      this.#last = undefined;
      return this.#given(names, result);
    }
    checkGiven(this.#compiled.lowered.inputs, inputs);
    for (const name of wanted ?? []) this.#checkBlob(name);
    const blobs = wanted ?? this.#blobs;
    const given = inputsOf(this.#compiled.lowered.inputs, { ...(await this.#nextBatch(inputs)), ...inputs });
    // Backward has to see the running statistics that this forward saw.
    const { layout, data } = this.#weights;
    const weights = this.#hasState ? { layout, data: data.slice() } : this.#weights;
    const run = { ...given, weights, draw: [this.#seed, this.#forwards] as const };
    const request = { blobs, ...(objective && { objective }) };
    const result = await (wanted ? this.#inference : this.#program).run(request, run);
    this.#forwards++;
    this.#keepStates(result.states);
    this.#last = run;
    this.shapes = new Map(Object.entries(result.shapes));
    return this.#given(blobs, result);
  }

  /** Parameters that a forward changes: BatchNorm's running blobs. */
  #keepStates(states: Arrays): void {
    const { data, layout } = this.#weights;
    for (const [key, value] of Object.entries(states)) view(data, layout.slots.get(key)!).set(value);
  }

  /** Blobs of a result, which are the net's values from now on. */
  #given(names: readonly string[], { blobs, shapes, objective }: Pick<RunResult, "blobs" | "shapes" | "objective">) {
    const tensors = names.map((name) => [name, { shape: shapes[name]!, data: blobs[name]! }] as const);
    for (const [name, tensor] of tensors) this.#values.set(name, tensor);
    return { blobs: Object.fromEntries(tensors) as Tensors, loss: objective };
  }

  /**
   * Gives inputs other shapes, as Caffe's Reshape: `shapes` are then those of all blobs, and the next forward has to bring data of them.
   * Throws NetrunError for what is no input, and where parameters would have to change with them.
   */
  reshape(inputs: Readonly<Record<string, readonly number[]>>): void {
    this.#needLayers("takes its shapes from its inputs");
    checkOptions({ inputs: { type: "shapes", describe: "" } }, { inputs });
    const own = this.#compiled.lowered.inputs;
    for (const name of Object.keys(inputs))
      if (!own.has(name)) throw unknownBlob(`the net has no input "${name}"`, name, own.keys());
    const shapes = new Map([...own.keys()].map((name) => [name, inputs[name] ?? this.shapes.get(name)!]));
    const lowered = this.#program.lower(shapes);
    checkParameters(lowered, this.#compiled.net.layer, { weights: this.#weights, shapes });
    this.shapes = new Map([...lowered.blobs].map(([blob, { type }]) => [blob, type.shape]));
    this.#values.clear();
  }

  #checkBlob(name: string): void {
    if (!this.shapes.has(name)) throw unknownBlob(`the net has no blob "${name}"`, name, this.shapes.keys());
  }

  /**
   * Runs the last forward backward, from the gradients of some tops; losses among the others count with their loss_weight.
   * Gives the gradients of the input blobs and writes those of the parameters into their `diff`.
   * Throws NetrunError before any forward, and for a gradient that is not a blob's or not of its shape.
   */
  backward(tops: Tensors = {}): Promise<Tensors> {
    return this.#life.run(() => this.#backward(tops));
  }

  async #backward(tops: Tensors): Promise<Tensors> {
    const last = this.#last;
    if (!last)
      throw new NetrunError("backward needs a forward before it", {
        notes: ["of the whole net: one with start or end is none"],
      });
    if (this.#warn) for (const warning of caffeWarnings(this.#compiled, "all")) this.#warn(warning);
    this.#warn = undefined;
    for (const name of Object.keys(tops ?? {})) this.#checkBlob(name);
    const seeds = topGradients(tops, this.shapes);
    const request: RunRequest = { blobs: [], gradients: "all", seeds: Object.keys(seeds) };
    const result = await this.#program.run(request, { ...last, seeds, again: true });
    this.#weights.diff.fill(0);
    for (const [key, value] of Object.entries(result.gradients)) {
      view(this.#weights.diff, this.#weights.layout.slots.get(key)!).set(value);
    }
    return Object.fromEntries(
      this.inputs.map((name) => {
        const shape = last.shapes.get(name)!;
        return [name, { shape, data: result.inputGradients[name] ?? new Float32Array(count(shape)) }];
      }),
    );
  }

  /**
   * Copies weights from a file into the layers of the same name; layers that only one side has are left alone, as in Caffe.
   * Returns the names of the layers that were copied. Throws NetrunError, with nothing changed, if the file is damaged or a shape differs,
   * and for the net of a converted file, which has its weights in it.
   */
  async copyTrainedLayersFrom(path: string): Promise<readonly string[]> {
    this.#needLayers("takes no weights");
    const stored = await readWeights(path);
    this.#watch.written();
    return copyTrainedLayers(this.#weights, stored, path);
  }

  /**
   * Writes the net with its weights as a `.caffemodel` that Caffe reads; the old file stays until the new one is whole.
   * Throws NetrunError for the net of a converted file: `importWeights` is for those.
   */
  async save(path: string): Promise<void> {
    this.#needLayers("cannot be saved as a .caffemodel");
    await replaceFile(path, (file) => writePieces(file, weightPieces(this.parameter, this.stored())));
  }

  #needLayers(what: string): void {
    this.#life.check();
    if (this.#modelFile === undefined) return;
    throw new NetrunError(`a converted file has no layers of Caffe's and ${what}`, {
      file: this.#modelFile,
      notes: ["netrun import-weights (in the API importWeights) converts it and its prototxt to a .caffemodel"],
    });
  }

  /** The net's messages and its weights by layer, for writing. */
  stored(withDiff = false): StoredWeights {
    const entries = [...this.params].map(([layer, blobs]) => [
      layer,
      blobs.map(({ shape, data, diff }) => (withDiff ? { shape, data, diff } : { shape, data })),
    ]);
    return new Map(entries as [string, Blob[]][]);
  }

  /** Records of the data that data layers read, of the first one; undefined where nothing is read. */
  get records(): number | undefined {
    return this.#feeds[0]?.length;
  }

  /** The layers of this phase. */
  get parameter(): NetParameter {
    return this.#compiled.net;
  }

  /**
   * Parts that engines need to run the net forward on other threads, and its parameters. Throws NetrunError for a blob that is not there,
   * and for a net that carries values from batch to batch or writes files, where `inParts` says that no replica sees all batches.
   */
  forwardPlan(blobs: readonly string[], session: SessionOptions, inParts: boolean) {
    const { lowered, net } = this.#compiled;
    for (const name of blobs) this.#checkBlob(name);
    if (inParts && (lowered.carries.size > 0 || lowered.files.length > 0)) {
      const why = lowered.files.length > 0 ? "writes files" : "carries values from batch to batch";
      throw new NetrunError(`a net that ${why} cannot be divided among workers`, { notes: ["use one worker"] });
    }
    const plan: ForwardPlan = {
      net: netPlan(this.#compiled),
      blobs,
      seed: this.#seed,
      session,
      plugins: pluginsOf(net.layer),
    };
    return { plan, weights: this.#weights.data };
  }

  async #nextBatch(given: Tensors): Promise<Tensors> {
    const batches: Tensors[] = [];
    for (const feed of this.#feeds) {
      if (Object.keys(feed.shapes).some((top) => !Object.hasOwn(given, top))) batches.push(await feed.next());
    }
    return Object.assign({}, ...batches);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#life.end(async () => {
      await this.#partial[Symbol.asyncDispose]();
      await this.#inference[Symbol.asyncDispose]();
      await closeCompiled(this.#compiled);
      await this.#rows?.[Symbol.asyncDispose]();
    });
  }
}

async function closeCompiled({ program, feeds }: CompiledNetwork): Promise<void> {
  await program[Symbol.asyncDispose]();
  for (const feed of feeds) await feed[Symbol.asyncDispose]();
}
