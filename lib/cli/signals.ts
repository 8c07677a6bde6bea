import { passedSignals } from "../engine/spark/signals.js";
import { isSubmitted } from "../options/cluster.js";
import { NetrunError } from "../error.js";
import type { Action } from "../train/requests.js";

const EFFECTS = ["stop", "snapshot", "none"] as const;

/** Effect of a signal on a training, as Caffe's -sigint_effect and -sighup_effect have it. */
export type Effect = (typeof EFFECTS)[number];

/** Reads an effect. Throws NetrunError for another word. */
export function effectOf(flag: string, value: string): Effect {
  const effect = EFFECTS.find((each) => each === value);
  if (effect) return effect;
  throw new NetrunError(`${flag} ${value}: a signal's effect is one of ${EFFECTS.join(", ")}`);
}

/** Exit status of a process that a signal ended. */
const EXIT_STATUS = { SIGINT: 130, SIGTERM: 143 } as const;

const ignore = (): void => {};

/** Signals caught while a training runs: `action` tells, once, what the last one asked for. */
export class Signals implements Disposable {
  readonly #listeners: readonly (readonly [NodeJS.Signals, () => void])[];
  #asked: Action = "none";
  #interrupted = false;
  /** Under spark-submit a terminal's signals come twice: to this process, and from the JVM, which has got them too. Those count. */
  readonly #source: NodeJS.EventEmitter = isSubmitted() ? passedSignals : process;

  /**
   * SIGTERM, which asks for the end whatever the flags say, has the effect "stop". A second SIGINT or SIGTERM, before the first
   * has taken effect, leaves at once.
   */
  constructor(effects: { readonly sigint: Effect; readonly sighup: Effect }) {
    const interrupt = (signal: keyof typeof EXIT_STATUS, effect: Effect) => () => {
      if (this.#interrupted) process.exit(EXIT_STATUS[signal]);
      this.#interrupted = effect !== "none";
      this.#ask(effect);
    };
    this.#listeners = [
      ["SIGINT", interrupt("SIGINT", effects.sigint)],
      ["SIGTERM", interrupt("SIGTERM", "stop")],
      ["SIGHUP", () => this.#ask(effects.sighup)],
    ];
    for (const [signal, listener] of this.#listeners) this.#source.on(signal, listener);
    if (this.#source !== process) for (const [signal] of this.#listeners) process.on(signal, ignore);
  }

  /** Requests since the last call. */
  action(): Action {
    const asked = this.#asked;
    this.#asked = "none";
    // Once it stops, what is left to do is a snapshot: another SIGINT still means to leave at once.
    if (asked !== "stop") this.#interrupted = false;
    return asked;
  }

  #ask(effect: Effect): void {
    if (effect !== "none") this.#asked = effect;
  }

  [Symbol.dispose](): void {
    for (const [signal, listener] of this.#listeners) this.#source.off(signal, listener);
    for (const [signal] of this.#listeners) process.off(signal, ignore);
  }
}
