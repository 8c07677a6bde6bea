import { floatsOf, partsOf, valuesOf } from "../../data/feed/byte-rows.js";
import type { Tensor } from "../../data/tensor.js";
import { count, type Elements, inputName, sameShape } from "../../graph/index.js";
import { view } from "../../net/layout.js";
import { emit } from "../../onnx/emit.js";
import { openSession, type Session, type SessionOptions } from "../../onnx/session.js";
import { targetOf } from "../../onnx/target-of.js";
import { ruleOf } from "../../optim/whole-batch.js";
import { random } from "../../random.js";
import type { Arrays } from "../compiled-net.js";
import { allFinite } from "../not-finite.js";
import type { TrainState } from "../step.js";
import {
  COUNT,
  gradientName,
  historyName,
  newName,
  OBJECTIVES,
  placesName,
  type RoundGraph,
  type RoundSpec,
  rateName,
  roundGraph,
  SQUARES,
  shownName,
  stackName,
  trainedSlots,
  WEIGHT_SUMS,
} from "./graph.js";

/** A round's inputs that are not its data. */
export interface RoundInputs {
  readonly state: TrainState;
  /** Recurrent state by leaf; zeros where absent, or of another length. */
  readonly carries: Arrays;
  /** Learning rates, corrected as the update rule wants it, before lr_mult. */
  readonly rates: readonly number[];
  /** Key of random layers: the key of all, and the counter of the round's first batch. */
  readonly draw: readonly [seed: number, counter: number];
}

/** Results of a round; the weights and histories of its end are still to be taken over. */
export interface RoundResult {
  /** The objective of each batch. */
  readonly objectives: Float32Array;
  /** Blobs after the last iteration. */
  readonly shown: Arrays;
  readonly carries: Arrays;
  /** True if every number that training depends on is finite; where it is not, nothing may be taken over. */
  readonly isFinite: boolean;
  /** Writes weights and history, and gradients where they are kept. */
  commit(state: TrainState, gradients?: Float32Array): void;
}

/** Rounds of a net as one session: data goes up for all batches at once, weights and history once a round each way. */
export class LoopRound implements AsyncDisposable {
  readonly #spec: RoundSpec;
  readonly #graph: RoundGraph;
  readonly #session: Session;
  /** Arrays of the stacks, as long as the longest round so far. */
  readonly #arrays = new Map<string, Float32Array | Uint8Array>();

  private constructor(spec: RoundSpec, graph: RoundGraph, session: Session) {
    this.#spec = spec;
    this.#graph = graph;
    this.#session = session;
  }

  static async open(spec: RoundSpec, options: SessionOptions): Promise<LoopRound> {
    const target = await targetOf(options);
    const graph = await roundGraph(spec, target);
    const model = emit({ name: "round", outputs: graph.outputs }, { open: graph.open });
    const { runsAsWritten: asWritten = false } = target;
    return new LoopRound(spec, graph, await openSession(model, { ...options, asWritten }));
  }

  /** Puts what a batch has of a net's input in place for batch `index` of the next round; false where that is of another kind. */
  put(name: string, index: number, { shape, data, holdsBytes = false }: Tensor): boolean {
    const bytes = this.#spec.byteRows.get(name);
    if (holdsBytes !== (bytes !== undefined)) return false;
    if (!sameShape(shape, this.#spec.net.inputs.get(name)!.type.shape)) return false;
    if (bytes) {
      const { places, pixels } = partsOf(data, shape[0]!, count(bytes.shape));
      this.#row(placesName(name), index, places).set(places);
      this.#row(stackName(name), index, pixels).set(pixels);
    } else this.#row(stackName(name), index, data).set(data);
    return true;
  }

  /** The values of a net's input of batch `index`, as they were put. Valid until they are put anew. */
  taken(name: string, index: number): Tensor {
    const { shape } = this.#spec.net.inputs.get(name)!.type;
    const bytes = this.#spec.byteRows.get(name);
    const [rows = 0] = shape;
    if (!bytes) return { shape, data: this.#row(stackName(name), index, { length: count(shape) }) as Float32Array };
    const length = count(bytes.shape);
    const data = new Float32Array(floatsOf(rows, length));
    const { places, pixels } = partsOf(data, rows, length);
    places.set(this.#row(placesName(name), index, places));
    pixels.set(this.#row(stackName(name), index, pixels));
    return valuesOf(bytes, { shape, data });
  }

  /** Room for batch `index` of a stack, of as many elements as `like` has, and of its kind. */
  #row(name: string, index: number, like: Float32Array | Uint8Array | { readonly length: number }) {
    const { length } = like;
    const end = (index + 1) * length;
    const Kind = like instanceof Uint8Array ? Uint8Array : Float32Array;
    let array = this.#arrays.get(name) ?? new Kind(0);
    if (array.length < end) {
      const { most, solver } = this.#spec;
      const longer = new Kind(Math.min(most * solver.iterSize * length, Math.max(end, 2 * array.length)));
      longer.set(array);
      array = longer;
      this.#arrays.set(name, array);
    }
    return array.subarray(end - length, end);
  }

  /** Trains for as many iterations as there are rates, on the batches that were put. */
  async run({ state, carries, rates, draw }: RoundInputs): Promise<RoundResult> {
    const { net, layout, solver, blobs } = this.#spec;
    const batches = rates.length * solver.iterSize;
    const feeds: Record<string, Elements> = { [COUNT]: BigInt64Array.of(BigInt(rates.length)) };
    layout.segments.forEach(({ lrMult }, i) => {
      feeds[rateName(i)] = Float32Array.from(rates, (rate) => rate * lrMult);
    });
    for (const [key, slot] of layout.slots) feeds[`param:${key}`] = view(state.weights, slot);
    for (const slot of trainedSlots(layout))
      for (const [i, history] of state.history.entries())
        feeds[historyName(i, slot.parameter.key)] = view(history, slot);
    for (const leaf of net.carries.keys()) {
      const [name, length] = [inputName(leaf)!, count(leaf.type.shape)];
      feeds[name] = carries[name]?.length === length ? carries[name] : new Float32Array(length);
    }
    net.randoms.forEach((leaf, i) => {
      const [name, length] = [inputName(leaf)!, count(leaf.type.shape)];
      for (let batch = 0; batch < batches; batch++) {
        const [seed, counter] = draw;
        random(seed, counter + batch, i).fill(this.#row(stackName(name), batch, { length }) as Float32Array);
      }
    });
    for (const { name, type } of this.#graph.stacks)
      feeds[name] = this.#arrays.get(name)!.subarray(0, batches * count(type.shape));
    const outputs = await this.#session.run(feeds, this.#session.outputs);
    const sums = [outputs[OBJECTIVES]!, outputs[SQUARES], outputs[WEIGHT_SUMS]];
    const named = (names: Iterable<string>, of: (name: string) => string) =>
      Object.fromEntries([...names].flatMap((name) => (outputs[of(name)] ? [[name, outputs[of(name)]!]] : [])));
    const shown = Object.entries(named(blobs, shownName)).map(([name, values]) => {
      const row = values.length / (this.#graph.everyShown.has(name) ? rates.length : 1);
      return [name, values.slice(values.length - row)] as const;
    });
    return {
      objectives: outputs[OBJECTIVES]!,
      shown: Object.fromEntries(shown),
      carries: named(
        [...net.carries.keys()].map((leaf) => inputName(leaf)!),
        newName,
      ),
      isFinite: sums.every((values) => values === undefined || allFinite(values)),
      commit: (to, gradients) => {
        const trained = new Set(trainedSlots(layout));
        for (const [key, slot] of layout.slots) {
          const next = outputs[newName(`param:${key}`)];
          if (next) view(to.weights, slot).set(next);
          if (gradients) {
            const gradient = outputs[gradientName(key)];
            if (gradient) view(gradients, slot).set(gradient);
            else view(gradients, slot).fill(0);
          }
          if (!trained.has(slot)) continue;
          for (let i = 0; i < ruleOf(solver.rule).slots; i++)
            view(to.history[i]!, slot).set(outputs[newName(historyName(i, key))]!);
        }
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]();
  }
}
