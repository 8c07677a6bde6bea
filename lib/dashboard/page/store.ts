import { addEvent, type Digest } from "../../runs/digest.js";
import type { Logged } from "../../train/event-log.js";

/** A run as the server tells of it. */
export interface ShownRun {
  readonly id: string;
  readonly name: string;
  readonly settings: Readonly<Record<string, string | number | boolean>>;
  readonly takesControls: boolean;
  status: string;
  digest: Digest;
}

/** Pages are drawn anew at most this often, and less where that takes long: of hundreds of runs, say. */
const DRAW_MS = 250;
/** Time between two drawings for each millisecond that the last one took: clicks come between. */
const PAUSE = 3;

/** The runs, kept up to date by the server's stream of events. */
export class Store {
  /** By id, in the server's order. */
  readonly runs = new Map<string, ShownRun>();
  isConnected = false;
  readonly #changed: () => void;
  #drawnMs = Number.NEGATIVE_INFINITY;
  #pauseMs = DRAW_MS;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Opens the stream; the browser opens it anew where it breaks off, and gets all runs as they are then. */
  connect(): void {
    const stream = new EventSource("stream");
    stream.addEventListener("runs", ({ data }: MessageEvent<string>) => {
      this.runs.clear();
      for (const run of JSON.parse(data) as ShownRun[]) this.runs.set(run.id, run);
      this.isConnected = true;
      this.#draw();
    });
    stream.addEventListener("added", ({ data }: MessageEvent<string>) => {
      for (const run of JSON.parse(data) as ShownRun[]) this.runs.set(run.id, run);
      this.#draw();
    });
    stream.addEventListener("events", ({ data }: MessageEvent<string>) => {
      for (const { id, status, events } of JSON.parse(data) as { id: string; status: string; events: Logged[] }[]) {
        const run = this.runs.get(id);
        if (!run) continue;
        run.status = status;
        for (const logged of events) addEvent(run.digest, logged);
      }
      this.#draw();
    });
    stream.addEventListener("error", () => {
      this.isConnected = false;
      this.#draw();
      // A browser gives up where an answer was refused, as by a server that has another token now.
      if (stream.readyState === EventSource.CLOSED) setTimeout(() => this.connect(), 2000);
    });
  }

  #draw(): void {
    const wait = this.#drawnMs + this.#pauseMs - performance.now();
    const draw = () => {
      this.#timer = undefined;
      const began = performance.now();
      this.#changed();
      this.#drawnMs = performance.now();
      this.#pauseMs = Math.max(DRAW_MS, PAUSE * (this.#drawnMs - began));
    };
    if (this.#timer !== undefined) return;
    if (wait <= 0) draw();
    else this.#timer = setTimeout(draw, wait);
  }
}
