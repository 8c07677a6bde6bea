import type { LayerParameter } from "../caffe/messages.js";
import { NetrunError } from "../error.js";
import { inferenceTypes, type LayerType, type PhaseName, type SourceBlob } from "../layers/index.js";
import { DataDependentSize, type LoweredNet, lower } from "../net/lower.js";
import type { SessionOptions } from "../onnx/session.js";
import { spanOf } from "../text/notes.js";
import {
  type Arrays,
  CompiledNet,
  type RunInputs,
  type RunRequest,
  type RunResult,
  ScalarNet,
} from "./compiled-net.js";
import { inferenceOf } from "./constants.js";
import { blobBytes, checkForwardMemory, surplusNets } from "./memory.js";
import { OutputFiles } from "./output-files.js";
import { type FlatWeights, findMisfit } from "./weights.js";

/** A net of one phase, as layers: what a program compiles for the shapes that it meets. */
export interface ProgramSpec {
  readonly layers: readonly LayerParameter[];
  readonly phase: PhaseName;
  /** Layer types beyond the built-in ones. */
  readonly types?: ReadonlyMap<string, LayerType> | undefined;
  /** The blobs in files that layers name, by path. */
  readonly sources?: ReadonlyMap<string, SourceBlob> | undefined;
  /** The net's force_backward. */
  readonly forceBackward?: boolean | undefined;
  readonly caffeQuirks?: boolean | undefined;
  /** True if a file of HDF5Output that cannot be written is reported, in place of ending the run. */
  readonly goesOn?: boolean | undefined;
}

/** Shapes of blobs by name. */
export type Shapes = ReadonlyMap<string, readonly number[]>;

/** Inputs of one run: values and their shapes. */
export interface ProgramInputs extends Omit<RunInputs, "carries"> {
  readonly shapes: Shapes;
  /** True if this is the forward of the last run once more (for its backward): it starts from the same carried values. */
  readonly again?: boolean;
}

/**
 * Sets of shapes that stay compiled. Images of any size give ever new ones, each with sessions of its own: the least recently
 * used go first.
 */
const MOST_COMPILED = 16;

/** Nets of sizes that stay compiled. */
const MOST_SIZES = 8;

/** The same where each has the weights as constants: a batch and the smaller one at the end of the data. */
const MOST_WITH_CONSTANTS = 2;

/**
 * Compiles a net for the shapes that its data has, once each, and runs it. Shapes may change from batch to batch (images of
 * different sizes) and one layer's depend on values (Filter), while a graph's are static: such nets are lowered again.
 */
export class Program implements AsyncDisposable {
  readonly #spec: ProgramSpec;
  readonly #options: SessionOptions;
  /** Weights that are constants of its models. */
  readonly #constants: FlatWeights | undefined;
  readonly #compiled = new Map<string, CompiledNet>();
  /** Nets of sizes that data decides, by shapes, sizes known before, and layer. */
  readonly #sizes = new Map<string, ScalarNet>();
  readonly #files: OutputFiles;
  /** State of layers between forwards: what the last run started with, and what it left. */
  #carries: { readonly before: Arrays; readonly after: Arrays } = { before: {}, after: {} };

  constructor(spec: ProgramSpec, options: SessionOptions = {}, constants?: FlatWeights) {
    this.#spec = spec;
    this.#files = new OutputFiles(spec.goesOn);
    this.#options = options;
    this.#constants = constants;
  }

  /**
   * A program that infers with the weights as they are now: they are constants of its models, folded and arranged for speed by
   * onnxruntime. Its numbers are this program's up to rounding; what layers carry from forward to forward starts anew.
   */
  withConstants(weights: FlatWeights): Program {
    const types = inferenceTypes({ openSpatial: false });
    return new Program({ ...this.#spec, types }, this.#options, weights);
  }

  /** The same program with other threads inside one op. */
  withThreads(threads: number | undefined): Program {
    return new Program(this.#spec, { ...this.#options, threads }, this.#constants);
  }

  /** The net as it is for these shapes; sizes that depend on data are taken as the most that they can be. */
  lower(shapes: Shapes): LoweredNet {
    const net = lower(this.#spec.layers, { ...this.#spec, shapes });
    checkForwardMemory(net, this.#spec.layers);
    return net;
  }

  /** Tests whether a size in the net depends on values of its data, so that no one graph computes it. */
  dependsOnData(shapes: Shapes): boolean {
    try {
      lower(this.#spec.layers, { ...this.#spec, shapes, sizes: new Map() });
      return false;
    } catch (error) {
      if (error instanceof DataDependentSize) return true;
      throw error;
    }
  }

  /** Runs the net once, compiling what this request needs and did not need before. */
  async run(request: RunRequest, inputs: ProgramInputs): Promise<RunResult> {
    const compiled = await this.#compile(inputs);
    const carries = inputs.again ? this.#carries.before : this.#carries.after;
    const { files } = compiled.net;
    const writes = files.length > 0 && !inputs.again;
    const result = await compiled.run(writes ? { ...request, files: true } : request, { ...inputs, carries });
    if (writes) await this.#files.append(files, result.files);
    this.#carries = { before: carries, after: result.carries };
    return result;
  }

  /** State of layers for the next forward; part of where training stands. */
  get carried(): Arrays {
    return this.#carries.after;
  }

  /** Has the next forward start from what another program carried. */
  carry(values: Arrays): void {
    this.#carries = { before: values, after: values };
  }

  async #compile(inputs: ProgramInputs): Promise<CompiledNet> {
    const sizes = new Map<string, number>();
    for (;;) {
      const key = JSON.stringify([[...inputs.shapes], [...sizes]]);
      const known = this.#compiled.get(key);
      if (known) {
        this.#compiled.delete(key);
        this.#compiled.set(key, known);
        return known;
      }
      try {
        const net = lower(this.#spec.layers, { ...this.#spec, shapes: inputs.shapes, sizes });
        checkParameters(net, this.#spec.layers, inputs);
        checkForwardMemory(net, this.#spec.layers);
        const formulation = this.#constants && inferenceOf(net, this.#spec.layers, this.#constants);
        const compiled = new CompiledNet(net, this.#options, formulation);
        this.#compiled.set(key, compiled);
        await this.#release();
        return compiled;
      } catch (need) {
        if (!(need instanceof DataDependentSize)) throw need;
        sizes.set(need.layer, await this.#measure(need, inputs, `${key} ${need.layer}`));
      }
    }
  }

  /** Closes the nets that ran longest ago, where there are too many or they hold too much memory. */
  async #release(): Promise<void> {
    const sizes = [...this.#compiled.values()].map(({ net }) => blobBytes(net));
    const surplus = surplusNets(sizes, this.#constants ? MOST_WITH_CONSTANTS : MOST_COMPILED);
    for (const [key, compiled] of [...this.#compiled].slice(0, surplus)) {
      this.#compiled.delete(key);
      await compiled[Symbol.asyncDispose]();
    }
  }

  async #measure(need: DataDependentSize, inputs: ProgramInputs, key: string): Promise<number> {
    let known = this.#sizes.get(key);
    if (!known) {
      const net = this.lower(inputs.shapes);
      checkParameters(net, this.#spec.layers, inputs);
      known = new ScalarNet(need.scalar, { ...net, randoms: need.randoms }, this.#options);
      const [oldest] = this.#sizes;
      if (oldest && this.#sizes.size >= MOST_SIZES) {
        this.#sizes.delete(oldest[0]);
        await oldest[1][Symbol.asyncDispose]();
      }
    }
    this.#sizes.delete(key);
    this.#sizes.set(key, known);
    return known.run(inputs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const net of [...this.#compiled.values(), ...this.#sizes.values()]) await net[Symbol.asyncDispose]();
    this.#compiled.clear();
    this.#sizes.clear();
  }
}

/**
 * Parameters never follow the inputs: the layout of the weights is that of the net as it was when they were made. Inputs of other
 * shapes reshape the net where its parameters stay the same (other batch sizes, fully convolutional nets), as in Caffe. Throws
 * NetrunError where they would have to change.
 */
export function checkParameters(
  net: LoweredNet,
  layers: readonly LayerParameter[],
  { weights, shapes }: Pick<ProgramInputs, "weights" | "shapes">,
): void {
  const misfit = findMisfit(net.parameters, weights);
  if (!misfit) return;
  const { parameter, has } = misfit;
  const { layer, index, spec } = parameter;
  const declared = layers.find(({ name }) => name === layer);
  const inputs = [...shapes].map(([name, shape]) => `"${name}" [${shape}]`).join(", ");
  throw new NetrunError(
    `layer "${layer}": its parameter ${index} is [${has}], but these inputs require [${spec.shape}]`,
    {
      span: declared && spanOf(declared),
      notes: [
        `the inputs: ${inputs}`,
        "other sizes of images are for nets whose layers all take them: an InnerProduct layer needs the size that it was made for",
      ],
    },
  );
}

export type { Arrays, RunInputs, RunRequest, RunResult };
