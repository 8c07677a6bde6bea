import type { Tensor, Tensors } from "../data/tensor.js";
import type { SessionOptions } from "../onnx/session.js";
import type { CompiledNetwork } from "../run/compile.js";
import { checkGiven, inputsOf, unknownBlob } from "../run/inputs.js";
import { type LayerRange, type NetPart, partOf } from "../run/part.js";
import type { RunResult } from "../run/program.js";
import type { Weights } from "../run/weights.js";
import type { ForwardOptions } from "./net-options.js";

/** Parts of the net that a partial forward needs besides its parameters. */
interface PartialRun {
  /** Blobs as the forwards before left them. */
  readonly values: ReadonlyMap<string, Tensor>;
  /** The next batch of data layers. */
  readonly nextBatch: () => Promise<Tensors>;
  readonly draw: readonly [seed: number, counter: number];
  readonly objective: boolean;
}

/** Forwards through some layers of a net; each range of layers is compiled once. */
export class PartialForward implements AsyncDisposable {
  readonly #compiled: CompiledNetwork;
  readonly #weights: Weights;
  readonly #session: SessionOptions;
  readonly #parts = new Map<string, NetPart>();

  constructor(compiled: CompiledNetwork, weights: Weights, session: SessionOptions) {
    this.#compiled = compiled;
    this.#weights = weights;
    this.#session = session;
  }

  /**
   * Runs the layers from `start` to `end` on what is given, else on the next batch of data, else on blobs as they were left.
   * Throws NetrunError for an input that none of these has, and for a blob that is not of these layers.
   */
  async run(
    inputs: Tensors,
    options: ForwardOptions,
    run: PartialRun,
  ): Promise<{ readonly names: readonly string[]; readonly result: RunResult }> {
    const { blobs, inputs: ofNet } = this.#compiled.lowered;
    const part = this.#part(options);
    const own = new Map([...part.inputs].map((name) => [name, blobs.get(name)!]));
    checkGiven(own, inputs);
    for (const name of options.blobs ?? []) {
      if (!part.blobs.has(name))
        throw unknownBlob(`no layer that this forward goes through has a blob "${name}"`, name, part.blobs);
    }
    const left = [...part.inputs].flatMap((name) => {
      const value = run.values.get(name);
      return value ? [[name, value] as const] : [];
    });
    const data = [...part.inputs].some((name) => ofNet.has(name)) ? await run.nextBatch() : {};
    const tensors = { ...Object.fromEntries(left), ...data, ...inputs };
    const ofPart = Object.fromEntries(Object.entries(tensors).filter(([name]) => own.has(name)));
    const names = options.blobs ?? part.tops;
    const request = { blobs: names, ...(run.objective && { objective: true }) };
    const given = { ...inputsOf(own, ofPart), weights: this.#weights, draw: run.draw };
    return { names, result: await part.program.run(request, given) };
  }

  #part(range: LayerRange): NetPart {
    const key = JSON.stringify([range.start, range.end]);
    const part = this.#parts.get(key) ?? partOf(this.#compiled, range, this.#session);
    this.#parts.set(key, part);
    return part;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const part of this.#parts.values()) await part[Symbol.asyncDispose]();
    this.#parts.clear();
  }
}
