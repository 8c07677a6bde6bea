/** Mean and deviation of numbers that come one at a time, by Welford's recurrence, which does not lose digits where the mean is large. */
export class Moments {
  #count = 0;
  #mean = 0;
  #squares = 0;

  add(value: number): void {
    this.#count++;
    const before = value - this.#mean;
    this.#mean += before / this.#count;
    this.#squares += before * (value - this.#mean);
  }

  get mean(): number {
    return this.#mean;
  }

  /** With the divisor n - 1; 0 of fewer than two numbers. */
  get deviation(): number {
    return this.#count < 2 ? 0 : Math.sqrt(this.#squares / (this.#count - 1));
  }
}
