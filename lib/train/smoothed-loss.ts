/** The mean of the last `window` losses, as Caffe's `average_loss` shows them. */
export class SmoothedLoss {
  readonly #window: number;
  #losses: number[] = [];

  constructor(window: number) {
    this.#window = window;
  }

  /** Goes on from the last losses of another run. */
  restore(losses: readonly number[]): void {
    this.#losses = losses.slice(-this.#window);
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
