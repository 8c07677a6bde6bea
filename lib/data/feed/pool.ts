/** Arrays that may be filled again, by length. */
export class ArrayPool {
  readonly #free = new Map<number, Float32Array[]>();

  /** An array of a length, of which every element has to be written: it may hold old values. */
  take(length: number): Float32Array {
    return this.#free.get(length)?.pop() ?? new Float32Array(length);
  }

  /** Keeps an array for later; a few of each length, since more are never on their way at once. */
  give(array: Float32Array): void {
    // One that was transferred away, or is a view into something larger, cannot be used again.
    if (array.length === 0 || array.byteLength !== array.buffer.byteLength) return;
    const free = this.#free.get(array.length) ?? [];
    if (free.length < 8) this.#free.set(array.length, [...free, array]);
  }
}
