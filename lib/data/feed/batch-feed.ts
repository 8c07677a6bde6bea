import { NetrunError } from "../../error.js";
import { type LabelRanges, labelProblem } from "../../net/label-ranges.js";
import type { Tensor } from "../tensor.js";
import type { Feed } from "./feed-spec.js";
import { Prefetch } from "./prefetch.js";

/** A feed whose batches depend on nothing but their number. */
export interface BatchMaker {
  readonly shapes: Feed["shapes"];
  readonly length: number;
  readonly batchSize: number;
  /** Batches prepared ahead. */
  readonly prefetch: number;
  /** Skipped rows so far; undefined where nothing may be. */
  readonly skipped?: () => Feed["skipped"];
  /** Makes batch number `batch`, counted from 0. */
  make(batch: number): Promise<Readonly<Record<string, Tensor>>>;
}

/** The feed that a batch maker gives; its positions are multiples of the batch size. */
export class BatchFeed implements Feed {
  readonly shapes: Feed["shapes"];
  readonly length: number;
  readonly #maker: BatchMaker;
  #queue: Prefetch<Readonly<Record<string, Tensor>>> | undefined;
  #batch = 0;
  #ranges: LabelRanges = {};

  constructor(maker: BatchMaker) {
    this.shapes = maker.shapes;
    this.length = maker.length;
    this.#maker = maker;
  }

  get skipped(): Feed["skipped"] {
    return this.#maker.skipped?.() ?? { count: 0 };
  }

  get position(): number {
    return this.#batch * this.#maker.batchSize;
  }

  async next(): Promise<Readonly<Record<string, Tensor>>> {
    this.#queue ??= new Prefetch(this.#from(this.#batch), this.#maker.prefetch);
    const batch = await this.#queue.next();
    this.#refuseLabels(batch);
    this.#batch++;
    return batch;
  }

  restrict(ranges: LabelRanges): void {
    this.#ranges = ranges;
  }

  /** Batches are made at random, so that no first records stand for them. */
  async check(): Promise<void> {}

  #refuseLabels(batch: Readonly<Record<string, Tensor>>): void {
    for (const [top, all] of Object.entries(this.#ranges)) {
      const ranges = all.filter(({ column }) => column === undefined);
      for (const value of batch[top]?.data ?? []) {
        const problem = labelProblem(value, ranges);
        if (problem !== undefined) throw new NetrunError(`"${top}": the label ${problem}`);
      }
    }
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
