/** Buffers that are free for use again: a net's worth of new memory in every round costs more than copying into old one. */
export class Buffers {
  readonly #free = new Map<number, Float32Array[]>();

  /** A buffer with anything in it. */
  take(length: number): Float32Array {
    return this.#free.get(length)?.pop() ?? new Float32Array(length);
  }

  /** A buffer with a copy of some values. */
  copy(values: Float32Array): Float32Array {
    const buffer = this.take(values.length);
    buffer.set(values);
    return buffer;
  }

  /** Gives buffers back. */
  give(buffers: readonly Float32Array[]): void {
    for (const buffer of buffers) {
      const free = this.#free.get(buffer.length);
      if (free) free.push(buffer);
      else this.#free.set(buffer.length, [buffer]);
    }
  }
}
