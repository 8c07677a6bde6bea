import type { Layout, Segment } from "../net/layout.js";
import { type UpdateSettings, updateGraph } from "../net/update.js";
import { buildSession } from "../onnx/build.js";
import type { Session, SessionOptions } from "../onnx/session.js";

/** Floats updated by one run: what is computed on the way stays in the processor's cache, and outputs are written where they belong. */
const CHUNK = 2 ** 19;

/** The numbers of one update. */
export interface UpdateStep {
  /** Learning rate before lr_mult. */
  readonly rate: number;
  /** Weight decay before decay_mult. */
  readonly decay: number;
  /** Factor of gradients: 1/iter_size, and the clipping factor. */
  readonly scale: number;
}

/** The buffers of a layout that an update reads and changes; history has `layout.trainable` floats a slot. */
export interface UpdateBuffers {
  readonly weights: Float32Array;
  readonly gradients: Float32Array;
  readonly history: readonly Float32Array[];
}

/** The update of some number of floats: what replaces what, and whether it is written over it or copied there. */
interface Updating {
  readonly session: Session;
  readonly changed: readonly { readonly next: string; readonly last: string; readonly over: boolean }[];
}

/** Applies an update rule to flat buffers, a segment of equal multipliers at a time. */
export class Updater implements AsyncDisposable {
  readonly #layout: Layout;
  readonly #update: UpdateSettings;
  readonly #options: SessionOptions;
  readonly #sessions = new Map<number, Promise<Updating>>();

  constructor(layout: Layout, update: UpdateSettings, options: SessionOptions) {
    this.#layout = layout;
    this.#update = update;
    this.#options = options;
  }

  /** History of all zeros, as training starts with. */
  newHistory(): Float32Array[] {
    return Array.from({ length: this.#update.rule.slots }, () => new Float32Array(this.#layout.trainable));
  }

  async apply(buffers: UpdateBuffers, step: UpdateStep): Promise<void> {
    for (const segment of this.#layout.segments) await this.#applyTo(segment, buffers, step);
  }

  async #applyTo(segment: Segment, { weights, gradients, history }: UpdateBuffers, step: UpdateStep): Promise<void> {
    const scalars = {
      rate: Float32Array.of(step.rate * segment.lrMult),
      decay: Float32Array.of(step.decay * segment.decayMult),
      scale: Float32Array.of(step.scale),
    };
    const end = segment.offset + segment.length;
    for (let from = segment.offset; from < end; from += CHUNK) {
      const to = Math.min(end, from + CHUNK);
      const { session, changed } = await this.#session(to - from);
      const feeds: Record<string, Float32Array> = {
        ...scalars,
        w: weights.subarray(from, to),
        g: gradients.subarray(from, to),
      };
      history.forEach((h, slot) => {
        feeds[`h${slot}`] = h.subarray(from, to);
      });
      const into: Record<string, Float32Array> = {};
      for (const { next, last, over } of changed) if (over) into[next] = feeds[last]!;
      const result = await session.run(feeds, session.outputs, into);
      for (const { next, last, over } of changed) if (!over) feeds[last]!.set(result[next]!);
    }
  }

  #session(length: number): Promise<Updating> {
    const known = this.#sessions.get(length);
    if (known) return known;
    const opening = this.#open(length);
    this.#sessions.set(length, opening);
    return opening;
  }

  async #open(length: number): Promise<Updating> {
    const outputs = updateGraph(this.#update, length);
    const session = await buildSession({ name: "update", outputs }, { ...this.#options, inPlaceOutputs: true });
    const changed = session.outputs.map((next) => {
      const last = next.replace(/^new\//, "");
      return { next, last, over: session.mayOverwrite(next, last) };
    });
    return { session, changed };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.#sessions.values()) await (await session).session[Symbol.asyncDispose]();
    this.#sessions.clear();
  }
}
