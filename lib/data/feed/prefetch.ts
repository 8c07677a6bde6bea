/**
 * Keeps up to `depth` items of an endless iterator on the way, so that making them overlaps using them; the iterator
 * runs one step at a time. After an error it gives that error for ever.
 */
export class Prefetch<T> {
  readonly #iterator: AsyncIterator<T>;
  readonly #pending: Promise<T>[] = [];
  readonly #depth: number;
  #closed = false;

  constructor(iterable: AsyncIterable<T>, depth: number) {
    this.#iterator = iterable[Symbol.asyncIterator]();
    this.#depth = depth;
    this.#refill();
  }

  /** The next item. */
  async next(): Promise<T> {
    const item = await this.#pending[0]!;
    this.#pending.shift();
    this.#refill();
    return item;
  }

  /** Ends the iterator, once the items on the way are done. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#pending);
    await this.#iterator.return?.();
  }

  #refill(): void {
    while (!this.#closed && this.#pending.length < this.#depth) {
      const before = this.#pending.at(-1);
      const item = (before ?? Promise.resolve()).then(() => this.#step());
      // The error reaches whoever calls next(); until then it is not unhandled.
      item.catch(() => {});
      this.#pending.push(item);
    }
  }

  async #step(): Promise<T> {
    if (this.#closed) throw new Error("the stream is closed");
    const { value, done } = await this.#iterator.next();
    if (done) throw new Error("an endless stream ended");
    return value;
  }
}
