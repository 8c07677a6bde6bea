import type { Feed } from "./feed-spec.js";
import { Prefetch } from "./prefetch.js";
import type { Tensor } from "./tensor.js";

/** A feed whose batches depend on nothing but their number. */
export interface BatchMaker {
  readonly shapes: Feed["shapes"];
  readonly length: number;
  readonly batchSize: number;
  /** Batches prepared ahead. */
  readonly prefetch: number;
  /** Makes batch number `batch`, counted from 0. */
  make(batch: number): Promise<Readonly<Record<string, Tensor>>>;
}

/** The feed that a batch maker gives; its positions are multiples of the batch size. */
export class BatchFeed implements Feed {
  readonly shapes: Feed["shapes"];
  readonly length: number;
  readonly skipped = { count: 0 };
  readonly #maker: BatchMaker;
  #queue: Prefetch<Readonly<Record<string, Tensor>>> | undefined;
  #batch = 0;

  constructor(maker: BatchMaker) {
    this.shapes = maker.shapes;
    this.length = maker.length;
    this.#maker = maker;
  }

  get position(): number {
    return this.#batch * this.#maker.batchSize;
  }

  async next(): Promise<Readonly<Record<string, Tensor>>> {
    this.#queue ??= new Prefetch(this.#from(this.#batch), this.#maker.prefetch);
    const batch = await this.#queue.next();
    this.#batch++;
    return batch;
  }

  /** Made batches share arrays, so that none is filled again. */
  recycle(): void {}

  async seek(position: number): Promise<void> {
    await this.#queue?.close();
    this.#queue = undefined;
    this.#batch = Math.floor(position / this.#maker.batchSize);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#queue?.close();
  }

  async *#from(batch: number): AsyncGenerator<Readonly<Record<string, Tensor>>> {
    for (let n = batch; ; n++) yield await this.#maker.make(n);
  }
}
