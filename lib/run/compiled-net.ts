import { count, type Elements, input, inputName, type Value } from "../graph/index.js";
import { gradient } from "../net/gradient.js";
import { sumsOf } from "../net/gradient-sums.js";
import { view } from "../net/layout.js";
import type { LoweredNet } from "../net/lower.js";
import { objectiveOf, seedName, seedsOf } from "../net/objective.js";
import { type BoundTarget, buildSession } from "../onnx/build.js";
import type { Session, SessionOptions } from "../onnx/session.js";
import { add } from "../ops/index.js";
import { random } from "../random.js";
import type { InferenceContext } from "../targets/index.js";
import type { FlatWeights } from "./weights.js";

export type Arrays = Readonly<Record<string, Float32Array>>;

/** Outputs of one run. */
export interface RunRequest {
  /** Blobs whose values to give. */
  readonly blobs: readonly string[];
  /** Gradients of the objective: of every trainable parameter, or of these and of the input blobs, or of these and of all blobs. */
  readonly gradients?: "trainable" | "all" | "blobs";
  /** True if to give the objective: the sum of all losses by their weights. */
  readonly objective?: boolean;
  /** A sum to give of all parameters' gradients: of their entries, or of the squares of these. */
  readonly sum?: "entries" | "squares";
  /** True if gradients are added to what `into` holds. The sum is of the results. */
  readonly accumulate?: boolean;
  /** True if to give what the forward adds to files. */
  readonly files?: boolean;
  /** Blobs whose gradients are fed, in place of their weights in the objective. */
  readonly seeds?: readonly string[];
}

/** Values to run with. */
export interface RunInputs {
  /** Data by blob name. */
  readonly data: Arrays;
  /** All parameters in one piece, with its layout, or an array for each key. */
  readonly weights: FlatWeights | ReadonlyMap<string, Float32Array>;
  /** Key of random layers: the same pair gives the same numbers. */
  readonly draw: readonly [seed: number, counter: number];
  readonly seeds?: Arrays;
  /**
   * Destinations of gradients, by parameter key, as far as the run computes them; the others are arrays of their own. Where they
   * accumulate, this holds an array for each trainable parameter, and what could not be written in place is given beside it.
   */
  readonly into?: Arrays | undefined;
  /** State of layers from the forward before; zeros where absent. */
  readonly carries?: Arrays | undefined;
}

/** Results of a run. Entries are absent where nothing depends on them: read them as zeros. */
export interface RunResult {
  readonly blobs: Arrays;
  /** New values of state parameters, by key. */
  readonly states: Arrays;
  /** State of layers for the next forward. */
  readonly carries: Arrays;
  /** Outputs of the forward to files, by `fileKey`. */
  readonly files: Arrays;
  /** By parameter key. */
  readonly gradients: Arrays;
  /** By input blob, or by blob where those of all were asked for. */
  readonly inputGradients: Arrays;
  /** The objective where it was asked for; 0 for a net without losses. */
  readonly objective: number;
  /** The sum of all parameters' gradients that was asked for, else 0. Not finite where an entry is not, or where it overflows. */
  readonly gradientSum: number;
  /** Shapes of all blobs. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
}

type Group = "files" | "blobs" | "states" | "carries" | "gradients" | "inputGradients";

/** The output that the objective is computed as. */
export const OBJECTIVE = "sum:objective";

/** The output that holds a sum of each gradient. */
export const SUMS = "sum:gradients";

const NONE = new Float32Array(0);

interface Compiled {
  readonly session: Session | undefined;
  /** Outputs of the model, by name. */
  readonly ends: ReadonlyMap<string, End>;
  /** Keys of parameters whose gradient may be written to the array that is given for it. */
  readonly inPlace: ReadonlySet<string>;
}

/** Kind of an output. */
export interface End {
  readonly group: Group;
  readonly name: string;
  readonly value: Value;
}

/** A lowered net with a session for each kind of request made of it. */
export class CompiledNet implements AsyncDisposable {
  readonly net: LoweredNet;
  readonly #options: SessionOptions;
  readonly #formulation: BoundTarget<InferenceContext> | undefined;
  readonly #sessions = new Map<string, Promise<Compiled>>();
  readonly #shapes: RunResult["shapes"];

  /** `formulation` stands for the target that the options ask for, where weights are constants. */
  constructor(net: LoweredNet, options: SessionOptions, formulation?: BoundTarget<InferenceContext>) {
    this.net = net;
    this.#options = options;
    this.#formulation = formulation;
    this.#shapes = Object.fromEntries([...net.blobs].map(([name, { type }]) => [name, type.shape]));
  }

  /** Runs the net once. Fed blobs that are asked for are given back as they came. */
  async run(request: RunRequest, inputs: RunInputs): Promise<RunResult> {
    const key = JSON.stringify(request);
    let compiling = this.#sessions.get(key);
    if (!compiling) {
      compiling = compile(this.net, request, this.#options, this.#formulation);
      this.#sessions.set(key, compiling);
      // A refusal (untrainable nets) is thrown to whoever asks, and leaves nothing to close.
      compiling.catch(() => this.#sessions.delete(key));
    }
    const { session, ends, inPlace } = await compiling;
    const into: Record<string, Float32Array> = {};
    const fed = feeds(this.net, inputs);
    for (const [key, given] of Object.entries(inputs.into ?? {})) {
      if (inPlace.has(key)) into[endName("gradients", key)] = given;
      if (request.accumulate) fed[sumName(key)] = given;
    }
    const outputs = session ? await session.run(fed, session.outputs, into) : {};
    const result: Record<Group, Record<string, Float32Array>> = {
      blobs: {},
      files: {},
      states: {},
      carries: {},
      gradients: {},
      inputGradients: {},
    };
    for (const [end, { group, name, value }] of ends) {
      result[group][name] = outputs[end] ?? inputs.data[inputName(value)!]!;
    }
    const gradientSum = (outputs[SUMS] ?? NONE).reduce((sum, each) => sum + each, 0);
    return { ...result, objective: outputs[OBJECTIVE]?.[0] ?? 0, gradientSum, shapes: this.#shapes };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const compiling of this.#sessions.values()) await (await compiling).session?.[Symbol.asyncDispose]();
    this.#sessions.clear();
  }
}

async function compile(
  net: LoweredNet,
  request: RunRequest,
  options: SessionOptions,
  formulation: BoundTarget<InferenceContext> | undefined,
): Promise<Compiled> {
  const { ends, outputs } = endsOf(net, request);
  if (outputs.size === 0) return { session: undefined, ends, inPlace: new Set() };
  // A forward by itself gives the numbers of the converted file; training, and its tests, take what is fast.
  const isForward = request.gradients === undefined && request.objective !== true;
  const portable = isForward || options.portable;
  const build = { ...options, portable, inPlaceOutputs: true };
  const session = await buildSession({ name: "netrun", outputs }, build, formulation);
  // A sum's array may be read and written at once: the addition of the two is all that reads it.
  const gradients = [...ends.values()].filter(({ group }) => group === "gradients");
  const inPlace = new Set(gradients.map(({ name }) => name).filter((key) => outputs.has(endName("gradients", key))));
  return { session, ends, inPlace };
}

/** Values that a request asks for: all of them, and by output name those to be computed. */
export function endsOf(
  net: LoweredNet,
  request: RunRequest,
): { readonly ends: ReadonlyMap<string, End>; readonly outputs: ReadonlyMap<string, Value> } {
  const ends = new Map<string, End>();
  const end = (group: Group, name: string, value: Value | null) => {
    if (value) ends.set(endName(group, name), { group, name, value });
  };
  for (const name of request.blobs) end("blobs", name, net.blobs.get(name)!);
  if (request.files) {
    net.files.forEach(({ sets }, i) => {
      for (const [set, value] of Object.entries(sets)) end("files", fileKey(i, set), value);
    });
  }
  for (const [key, value] of net.states) end("states", key, value);
  for (const [leaf, value] of net.carries) end("carries", inputName(leaf)!, value);
  if (request.gradients && net.untrainable) throw net.untrainable;
  if (request.gradients) {
    const parameters = net.differentiated;
    const inputs = { trainable: [], all: [...net.inputs], blobs: [...net.blobs] }[request.gradients];
    const seeds = seedsOf(net, request.seeds ?? []);
    const found = gradient(seeds, [...parameters.map(({ value }) => value), ...inputs.map(([, value]) => value)]);
    parameters.forEach(({ key }, i) => {
      const value = found[i]!;
      end("gradients", key, value && request.accumulate ? add(value, input(sumName(key), value.type)) : value);
    });
    inputs.forEach(([name], i) => {
      end("inputGradients", name, found[parameters.length + i]!);
    });
  }
  const objective = request.objective ? objectiveOf(net) : null;
  const computed = [...ends].filter(
    ([, { value }]) => !(inputName(value) !== undefined && net.inputs.has(inputName(value)!)),
  );
  const outputs = new Map(computed.map(([name, { value }]) => [name, value]));
  if (objective) outputs.set(OBJECTIVE, objective);
  const gradients = [...ends.values()].filter(({ group }) => group === "gradients");
  if (request.sum && gradients.length > 0)
    outputs.set(
      SUMS,
      sumsOf(
        gradients.map(({ value }) => value),
        request.sum,
      ),
    );
  return { ends, outputs };
}

/** The name of the input that a parameter's gradient is added to. */
export const sumName = (key: string) => `sum:${key}`;

/** The name of an output. */
export const endName = (group: Group, name: string) => `${group}:${name}`;

/** The name of a data set of a net's files[index] among what a run gave. */
export const fileKey = (index: number, set: string): string => `${index}/${set}`;

/** Inputs of a net's model. The weights are those of the net's parameters, whose shapes `Program` has checked. */
export function feeds(net: Pick<LoweredNet, "randoms" | "carries">, inputs: RunInputs): Record<string, Elements> {
  const result: Record<string, Elements> = { ...inputs.data };
  const { weights } = inputs;
  if ("layout" in weights) {
    for (const [key, slot] of weights.layout.slots) result[`param:${key}`] = view(weights.data, slot);
  } else for (const [key, values] of weights) result[`param:${key}`] = values;
  net.randoms.forEach((leaf, i) => {
    const numbers = new Float32Array(count(leaf.type.shape));
    random(...inputs.draw, i).fill(numbers);
    result[inputName(leaf)!] = numbers;
  });
  for (const [name, seed] of Object.entries(inputs.seeds ?? {})) result[seedName(name)] = seed;
  for (const { name, length } of carriedLeaves(net)) {
    const carried = inputs.carries?.[name];
    // As in Caffe, a batch of another size starts anew.
    result[name] = carried?.length === length ? carried : new Float32Array(length);
  }
  return result;
}

const carriedLeaves = ({ carries }: Pick<LoweredNet, "carries">) =>
  [...carries.keys()].map((leaf) => ({ name: inputName(leaf)!, length: count(leaf.type.shape) }));

/** A float32 scalar of a net as it is for some shapes, to run again and again: a size that data decides. */
export class ScalarNet implements AsyncDisposable {
  readonly #net: LoweredNet;
  readonly #session: Promise<Session>;

  constructor(scalar: Value, net: LoweredNet, options: SessionOptions) {
    this.#net = net;
    this.#session = buildSession({ name: "size", outputs: new Map([["size", scalar]]) }, options);
    // Whoever runs it gets the error.
    this.#session.catch(() => {});
  }

  async run(inputs: RunInputs): Promise<number> {
    const { size } = await (await this.#session).run(feeds(this.#net, inputs), ["size"]);
    return size![0]!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const session = await this.#session.catch(() => undefined);
    await session?.[Symbol.asyncDispose]();
  }
}
