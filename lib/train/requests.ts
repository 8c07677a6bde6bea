/** What a caller may ask of a running training, as Caffe's signals do. */
export type Action = "none" | "snapshot" | "stop";

/** What was asked of a training and is not done yet; the caller is asked between iterations and between the parts of a test. */
export class Requests {
  readonly #action: () => Action;
  #snapshot = false;
  #stop = false;

  constructor(action: () => Action = () => "none") {
    this.#action = action;
  }

  /** Asks the caller. */
  poll(): void {
    const action = this.#action();
    if (action === "snapshot") this.#snapshot = true;
    if (action === "stop") this.#stop = true;
  }

  /** Whether a snapshot was asked for since the last call. */
  takeSnapshot(): boolean {
    const asked = this.#snapshot;
    this.#snapshot = false;
    return asked;
  }

  get stop(): boolean {
    return this.#stop;
  }
}
