/** The mean of the last `window` losses, as Caffe's `average_loss` shows them. */
export class SmoothedLoss {
  readonly #window: number;
  readonly #losses: number[];

  constructor(window: number, losses: readonly number[] = []) {
    this.#window = window;
    this.#losses = [...losses];
  }

  /** Adds a loss; the mean of the last ones with it. */
  add(loss: number): number {
    this.#losses.push(loss);
    if (this.#losses.length > this.#window) this.#losses.shift();
    return this.#losses.reduce((a, b) => a + b, 0) / this.#losses.length;
  }

  /** The losses that the mean is of. */
  get losses(): readonly number[] {
    return this.#losses;
  }
}
