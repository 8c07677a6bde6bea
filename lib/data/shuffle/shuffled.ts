import type { RecordBatch } from "apache-arrow";
import { count } from "../../graph/type.js";
import { type DataSource, rowsPerBatch, type Shard, shardRange, WHOLE } from "../source/source.js";
import { RowStore } from "./row-store.js";
import { type Block, type Order, orderOf, shufflePlan } from "./shuffle-plan.js";

/**
 * A source with its rows in another order in each epoch, which the seed decides. Blocks of neighbouring rows are put in random
 * order, and the rows of as many blocks as fit a window in memory are mixed: where the whole source fits one, every order is equally
 * likely, and larger ones are read in long strides and are never in memory as a whole. All shards see the same order.
 */
export async function shuffledSource(source: DataSource, seed: number): Promise<DataSource> {
  const rowBytes = await bytesOfRow(source);
  const plan = shufflePlan(source, seed, rowBytes);
  let kept: { readonly epoch: number; readonly order: Order } | undefined;
  const orderIn = (epoch: number): Order => {
    if (kept?.epoch !== epoch) kept = { epoch, order: orderOf(plan, epoch) };
    return kept.order;
  };
  return {
    ...source,
    batches: (shard, from, epoch) => batches(source, orderIn(epoch ?? 0), rowsPerBatch(rowBytes), shard, from ?? 0),
    locate: (index, epoch) => source.locate(orderIn(epoch ?? 0).row(index)),
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  };
}

async function* batches(
  source: DataSource,
  { windows }: Order,
  step: number,
  shard: Shard,
  from: number,
): AsyncGenerator<RecordBatch> {
  const range = shardRange(shard, source.length);
  const [start, { end }] = [range.start + from, range];
  const wanted = windows.filter(({ first, rows }) => first < end && first + rows > start);
  let loading = new Loading(source, wanted[0]?.blocks ?? []);
  for (const [i, { first, rows, permutation }] of wanted.entries()) {
    const store = await loading.upTo(1);
    // The next window is read while this one is handed out, so that there is no pause between them.
    loading = new Loading(source, wanted[i + 1]?.blocks ?? []);
    const order = permutation();
    const [low, high] = [Math.max(start - first, 0), Math.min(end - first, rows)];
    for (let at = low; at < high; at += step) {
      yield* store.take(order.subarray(at, Math.min(high, at + step)));
      await loading.upTo((at + step - low) / (high - low));
    }
  }
}

/** A window on its way into memory, block by block. */
class Loading {
  readonly #source: DataSource;
  readonly #blocks: readonly Block[];
  readonly #store: RowStore;
  #loaded = 0;

  constructor(source: DataSource, blocks: readonly Block[]) {
    this.#source = source;
    this.#blocks = blocks;
    this.#store = new RowStore(source.labels);
  }

  /** Loads this share of the blocks. */
  async upTo(share: number): Promise<RowStore> {
    const wanted = Math.min(this.#blocks.length, Math.ceil(share * this.#blocks.length));
    while (this.#loaded < wanted) await this.#load(this.#blocks[this.#loaded++]!);
    return this.#store;
  }

  async #load({ start, end }: Block): Promise<void> {
    let left = end - start;
    for await (const batch of this.#source.batches(WHOLE, start)) {
      this.#store.add(batch.numRows > left ? batch.slice(0, left) : batch);
      left -= batch.numRows;
      if (left <= 0) return;
    }
  }
}

/** Bytes of a row in memory; of images, which have any size, as in the first record batch. */
async function bytesOfRow(source: DataSource): Promise<number> {
  const images = Object.values(source.fields).filter(({ dtype }) => dtype === "image").length;
  const numbers = Object.values(source.fields).reduce((sum, { dtype, shape }) => {
    return dtype === "image" ? sum : sum + count(shape) * ELEMENT_BYTES[dtype];
  }, 0);
  if (images === 0) return numbers;
  for await (const batch of source.batches(WHOLE)) return numbers + RowStore.imageBytes(batch) / batch.numRows;
  return numbers;
}

const ELEMENT_BYTES = { uint8: 1, int32: 4, float32: 4, float64: 8 } as const;
