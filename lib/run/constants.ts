import type { LayerParameter } from "../caffe/messages.js";
import { constant, type Value } from "../graph/index.js";
import { type Slot, view } from "../net/layout.js";
import type { LoweredNet } from "../net/lower.js";
import type { BoundTarget } from "../onnx/build.js";
import { evaluate } from "../onnx/evaluate.js";
import { FoldedWeights, type InferenceContext, inference } from "../targets/index.js";
import type { FlatWeights } from "./weights.js";

/** Bytes of weights that a model can have as constants: protobuf's limit of 2 GB, with room for the rest. */
const MOST_BYTES = 2 ** 31 - 2 ** 24;

/**
 * Tests whether a net can run with its weights as constants: in phase TEST, without what its forwards change or carry on, without files
 * that they write, and with weights that one model holds.
 */
export const bearsConstants = ({ phase, states, carries, files }: LoweredNet, { data }: FlatWeights): boolean =>
  phase === "TEST" && states.size === 0 && carries.size === 0 && files.length === 0 && data.byteLength <= MOST_BYTES;

/** Inference with a net's weights as they are now. */
export function inferenceOf(
  net: LoweredNet,
  layers: readonly LayerParameter[],
  { layout, data }: FlatWeights,
): BoundTarget<InferenceContext> {
  const leaves = new Map<Value, Value>();
  for (const { key, value, spec } of net.parameters)
    leaves.set(value, constant(view(data, layout.slots.get(key)!), spec.shape));
  return {
    target: inference,
    context: { leaves, layers, foldedWeights: new FoldedWeights(false), openDims: false, evaluate },
  };
}

/**
 * Knows whether weights are still what they were. Arrays that a caller has got may be written at any time, and are compared; the
 * others change by calls alone.
 */
export class WeightWatch {
  readonly #weights: FlatWeights;
  readonly #handedOut = new Set<Slot>();
  /** Contents of handed-out arrays at the last `mark`. */
  readonly #marked = new Map<Slot, Float32Array>();
  #isMarked = false;

  constructor(weights: FlatWeights) {
    this.#weights = weights;
  }

  /** To be called before a slot's array is handed out. */
  handOut(slot: Slot): void {
    if (this.#handedOut.has(slot)) return;
    this.#handedOut.add(slot);
    if (this.#isMarked) this.#keep(slot);
  }

  /** To be called when the weights were written otherwise. */
  written(): void {
    this.#isMarked = false;
    this.#marked.clear();
  }

  /** Remembers the weights as they are. */
  mark(): void {
    this.#isMarked = true;
    for (const slot of this.#handedOut) this.#keep(slot);
  }

  /** Tests whether the weights are to the bit what they were at the last `mark`. */
  isSame(): boolean {
    if (!this.#isMarked) return false;
    for (const [slot, kept] of this.#marked)
      if (!bytesOf(kept).equals(bytesOf(view(this.#weights.data, slot)))) return false;
    return true;
  }

  #keep(slot: Slot): void {
    const kept = this.#marked.get(slot);
    if (kept) kept.set(view(this.#weights.data, slot));
    else this.#marked.set(slot, view(this.#weights.data, slot).slice());
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) => Buffer.from(buffer, byteOffset, byteLength);
