import type { Feed } from "../data/feed/feed.js";
import type { Tensors } from "../data/tensor.js";
import type { Batches } from "./step.js";

/**
 * Batches that several iterations have before the next ones are read: `times` iterations on the same `iterSize` batches. Iterations
 * count from the start of training, so that it resumes in the middle of them from the place where their batches begin.
 */
export class RepeatedBatches {
  readonly #feeds: readonly Feed[];
  readonly #times: number;
  readonly #iterSize: number;
  readonly #kept: Tensors[] = [];
  /** The place in the data where the kept batches begin. */
  #start: readonly number[] | undefined;
  /** Batches that were asked for since the start of training. */
  #asked = 0;

  constructor(feeds: readonly Feed[], times: number, iterSize: number) {
    this.#feeds = feeds;
    this.#times = times;
    this.#iterSize = iterSize;
  }

  /** Records consumed of each feed by iterations that are done with their batches; undefined: all that were read. */
  get positions(): readonly number[] | undefined {
    return this.#asked % (this.#times * this.#iterSize) === 0 ? undefined : this.#start;
  }

  /** Reads the batches anew, from where the feeds are. */
  forget(): void {
    this.#kept.length = 0;
    this.#start = undefined;
  }

  /** The batches from an iteration on; new ones come from `read`. */
  from(iteration: number, read: Batches): Batches {
    this.#asked = iteration * this.#iterSize;
    return {
      byteRows: read.byteRows,
      next: async () => {
        if (this.#asked % (this.#times * this.#iterSize) === 0) this.forget();
        const index = this.#asked % this.#iterSize;
        if (index === 0 && this.#kept.length === 0) this.#start = this.#feeds.map(({ position }) => position);
        this.#kept[index] ??= await read.next();
        this.#asked++;
        return this.#kept[index];
      },
      // What is kept is used again.
      recycle: () => {},
    };
  }
}
