import { readFileSync } from "node:fs";
import type { NetParameter } from "./caffe/messages.js";
import { reflect } from "./caffe/schema.js";
import type { Tensor } from "./data/tensor.js";
import { type Arrays, Program, type Request } from "./engine/program.js";
import { type Blob, blobsByLayer, createWeights, type Weights } from "./engine/weights.js";
import { NetrunError, nearest } from "./error.js";
import { count } from "./graph/index.js";
import type { Phase } from "./layers/index.js";
import { layoutOf, view } from "./net/layout.js";
import type { LoweredNet } from "./net/lower.js";
import type { SessionOptions } from "./onnx/session.js";
import { parseText } from "./text/parse.js";

/** Tensors by blob name. */
export type Tensors = Readonly<Record<string, Tensor>>;

export type { Tensor };

export interface NetOptions extends SessionOptions {
  /** Which layers are in the net, and how Dropout and BatchNorm behave. Default "TEST". */
  readonly phase?: Phase;
  /** Weights files to copy in, in order: `.caffemodel` (any version) or `.h5`. */
  readonly weights?: string | readonly string[];
  /** Shapes of data blobs by name, in place of what the prototxt says. */
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
  /** Seed of fillers and random layers. Default 1. */
  readonly seed?: number;
}

/**
 * A Caffe net of one phase, ready to run: forward, backward, weights in and out.
 * It is compiled for the shapes of its inputs, and again when they change.
 */
export class Net implements AsyncDisposable {
  /** The net's name in its prototxt. */
  readonly name: string;
  readonly phase: Phase;
  /** Names of the blobs to feed: tops of Input and data layers. */
  readonly inputs: readonly string[];
  /** Names of the blobs that no layer consumes. */
  readonly outputs: readonly string[];
  /** Parameter blobs by layer name. Writing into `data` takes effect at the next forward. */
  readonly params: ReadonlyMap<string, readonly Blob[]>;
  readonly #program: Program;
  readonly #weights: Weights;
  readonly #seed: number;
  #shapes: ReadonlyMap<string, readonly number[]>;
  #forwards = 0;
  #last:
    | { readonly data: Arrays; readonly weights: Float32Array; readonly draw: readonly [number, number] }
    | undefined;

  private constructor(name: string, program: Program, lowered: LoweredNet, seed: number) {
    this.name = name;
    this.phase = lowered.phase;
    this.inputs = [...lowered.inputs.keys()];
    this.outputs = lowered.outputs;
    this.#program = program;
    this.#seed = seed;
    this.#weights = createWeights(layoutOf(lowered), seed);
    this.#shapes = new Map([...lowered.inputs].map(([blob, { type }]) => [blob, type.shape]));
    this.params = blobsByLayer(this.#weights);
  }

  /** Loads a net from a prototxt's path or its text. Throws NetrunError for what is wrong with it, located. */
  static async load(pathOrText: string, options: NetOptions = {}): Promise<Net> {
    const { phase = "TEST", seed = 1 } = options;
    const net = parseText(reflect("NetParameter"), readFileSync(pathOrText, "utf8"), {
      name: pathOrText,
    }) as NetParameter;
    const program = new Program({ layers: net.layer, phase }, options);
    const lowered = program.lower(new Map(Object.entries(options.shapes ?? {})));
    return new Net(net.name, program, lowered, seed);
  }

  /** Runs all layers on these inputs; every blob by name. Inputs of other shapes than before reshape the net, as in Caffe. */
  async forward(inputs: Tensors = {}): Promise<Tensors> {
    const { data, shapes } = this.#check(inputs);
    const net = this.#program.lower(shapes);
    const blobs = [...net.blobs.keys()];
    const draw = [this.#seed, this.#forwards++] as const;
    // Backward has to see the running statistics that this forward saw.
    const weights = net.states.size > 0 ? this.#weights.data.slice() : this.#weights.data;
    const result = await this.#program.run({ blobs }, { data, shapes, weights, draw });
    for (const [key, value] of Object.entries(result.states)) {
      view(this.#weights.data, this.#weights.layout.slots.get(key)!).set(value);
    }
    this.#shapes = shapes;
    this.#last = { data, weights, draw };
    return Object.fromEntries(blobs.map((name) => [name, { shape: result.shapes[name]!, data: result.blobs[name]! }]));
  }

  /**
   * Runs the last forward backward, from the gradients of some tops; losses among the others count with their loss_weight.
   * Gives the gradients of the input blobs and writes those of the parameters into their `diff`. Throws before any forward.
   */
  async backward(tops: Tensors = {}): Promise<Tensors> {
    const last = this.#last;
    if (!last) throw new NetrunError("backward needs a forward before it");
    const seeds: Record<string, Float32Array> = {};
    for (const [name, { data }] of Object.entries(tops)) seeds[name] = data;
    const request: Request = { blobs: [], gradients: "all", seeds: Object.keys(seeds) };
    const result = await this.#program.run(request, { ...last, shapes: this.#shapes, seeds });
    this.#weights.diff.fill(0);
    for (const [key, value] of Object.entries(result.gradients)) {
      view(this.#weights.diff, this.#weights.layout.slots.get(key)!).set(value);
    }
    return Object.fromEntries(
      this.inputs.map((name) => {
        const shape = this.#shapes.get(name)!;
        return [name, { shape, data: result.inputGradients[name] ?? new Float32Array(count(shape)) }];
      }),
    );
  }

  #check(inputs: Tensors): { readonly data: Arrays; readonly shapes: ReadonlyMap<string, readonly number[]> } {
    const data: Record<string, Float32Array> = {};
    const shapes = new Map<string, readonly number[]>();
    for (const name of Object.keys(inputs)) {
      if (this.inputs.includes(name)) continue;
      const near = nearest(name, this.inputs);
      throw new NetrunError(`the net has no input "${name}"`, {
        notes: [near ? `did you mean "${near}"?` : `inputs: ${this.inputs.join(", ")}`],
      });
    }
    for (const name of this.inputs) {
      const tensor = inputs[name];
      if (!tensor) throw new NetrunError(`input "${name}" [${this.#shapes.get(name)}] is missing`);
      if (tensor.data.length !== count(tensor.shape)) {
        throw new NetrunError(`input "${name}" has ${tensor.data.length} values, which do not fill [${tensor.shape}]`);
      }
      data[name] = tensor.data;
      shapes.set(name, tensor.shape);
    }
    return { data, shapes };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program[Symbol.asyncDispose]();
  }
}
