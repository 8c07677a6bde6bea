import type { StoredWeights } from "../caffe/stored.js";
import { drawNet } from "../inspect/draw.js";
import { addEvent, type Digest, newDigest } from "../runs/digest.js";
import type { RunStatus } from "../runs/list.js";
import type { Logged } from "../train/event-log.js";
import type { TrainEvent } from "../train/events.js";
import type { Action, Control } from "../train/requests.js";
import type { Solver } from "../train/solver.js";
import { activationsOf, filtersOf } from "./images.js";
import type { RunDescription, RunView, ShownBlob } from "./run-view.js";
import { runSettings } from "./settings.js";

/** The training of this process, as a dashboard shows and controls it: it takes events, and gives what the page asks for as actions. */
export class LiveRun implements RunView {
  readonly id = "live";
  readonly digest: Digest;
  readonly #name: string;
  readonly #solver: Pick<Solver, "net" | "source" | "parameter">;
  readonly #startMs = performance.now();
  #events: Logged[] = [];
  readonly #asked: Control[] = [];

  /** `digest` has what came before, where a run is resumed. */
  constructor(name: string, solver: Pick<Solver, "net" | "source" | "parameter">, digest = newDigest()) {
    this.#name = name;
    this.#solver = solver;
    this.digest = digest;
  }

  get description(): RunDescription {
    return {
      name: this.#name,
      takesControls: true,
      settings: runSettings(this.digest, this.#solver.parameter),
    };
  }

  get status(): RunStatus {
    const { done } = this.digest;
    return done === undefined ? "running" : done.stopped === undefined ? "done" : "stopped";
  }

  /** Takes an event of the training. */
  write(event: TrainEvent): void {
    const logged = { seconds: Number(((performance.now() - this.#startMs) / 1000).toFixed(3)), event };
    addEvent(this.digest, logged);
    this.#events.push(logged);
  }

  /** Request of the page, one a call: for the training's `action`. */
  action(): Action {
    return this.#asked.shift() ?? "none";
  }

  control(control: Control): void {
    this.#asked.push(control);
  }

  poll(): readonly Logged[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  drawing(): Promise<string> {
    const { net, baseDir } = this.#solver.source;
    return drawNet(net, { phase: "TRAIN", baseDir });
  }

  get #weights(): StoredWeights {
    return this.#solver.net.stored();
  }

  filters(): Promise<Buffer | undefined> {
    return filtersOf(this.#weights);
  }

  activations(image: Buffer): Promise<readonly ShownBlob[]> {
    const { net: message, baseDir } = this.#solver.source;
    return activationsOf({ message, baseDir, weights: this.#weights }, image);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
