import { NetrunError } from "../error.js";

/** A request that is told as an event when it is met: who asks, and for what. */
export interface Control {
  readonly action: "snapshot" | "stop" | "rate";
  /** With `rate`: what all later learning rates are multiplied by. */
  readonly factor?: number | undefined;
  readonly from: string;
}

/** Requests to a running training, as Caffe's signals do, or as a `Control`. */
export type Action = "none" | "snapshot" | "stop" | Control;

/** Requests that a training has not carried out yet; the caller is asked between iterations and between the parts of a test. */
export class Requests {
  readonly #action: () => Action;
  #snapshot = false;
  #stop = false;
  #controls: Control[] = [];

  constructor(action: () => Action = () => "none") {
    this.#action = action;
  }

  /** Asks the caller. Throws NetrunError for a learning rate that cannot be. */
  poll(): void {
    const asked = this.#action();
    const action = typeof asked === "object" ? asked.action : asked;
    if (typeof asked === "object") this.#controls.push(checked(asked));
    if (action === "snapshot") this.#snapshot = true;
    if (action === "stop") this.#stop = true;
  }

  /** The controls since the last call. */
  takeControls(): readonly Control[] {
    const controls = this.#controls;
    this.#controls = [];
    return controls;
  }

  /** Tests whether a snapshot was asked for since the last call. */
  takeSnapshot(): boolean {
    const asked = this.#snapshot;
    this.#snapshot = false;
    return asked;
  }

  get stop(): boolean {
    return this.#stop;
  }
}

function checked(control: Control): Control {
  const { action, factor = Number.NaN } = control;
  if (action === "rate" && !(factor > 0 && factor < Number.POSITIVE_INFINITY))
    throw new NetrunError(`a learning rate times ${factor}: the factor must be above 0`);
  return control;
}
