/** Buffers that are free for use again, by length: new memory for each batch or round costs more than copying into old one. */
export class Buffers {
  readonly #free = new Map<number, Float32Array[]>();
  readonly #most: number;

  /** Keeps at most `most` free buffers of each length; without it, all. */
  constructor(most = Number.POSITIVE_INFINITY) {
    this.#most = most;
  }

  /** A buffer with anything in it: every element has to be written. */
  take(length: number): Float32Array {
    return this.#free.get(length)?.pop() ?? new Float32Array(length);
  }

  /** A buffer with a copy of some values. */
  copy(values: Float32Array): Float32Array {
    const buffer = this.take(values.length);
    buffer.set(values);
    return buffer;
  }

  /** Gives buffers back. One that was transferred away, or is a view into something larger, cannot be used again. */
  give(buffers: readonly Float32Array[]): void {
    for (const buffer of buffers) {
      if (buffer.length === 0 || buffer.byteLength !== buffer.buffer.byteLength) continue;
      const free = this.#free.get(buffer.length);
      if (!free) this.#free.set(buffer.length, [buffer]);
      else if (free.length < this.#most) free.push(buffer);
    }
  }
}
