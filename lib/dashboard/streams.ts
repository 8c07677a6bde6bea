import type { ServerResponse } from "node:http";
import { NetrunError } from "../error.js";
import type { RunView } from "./run-view.js";

/** Events are sent together, this often: a small net has hundreds of iterations a second. */
const SEND_MS = 250;
/** A line now and then tells a browser that the stream lives. */
const ALIVE_MS = 15_000;

/**
 * The streams of events to open pages. A page that connects, for the first time or again, gets all runs as they are, then what happens.
 */
export class Streams {
  readonly #runs: readonly RunView[];
  readonly #pages = new Set<ServerResponse>();
  readonly #timer: NodeJS.Timeout;
  readonly #failed = new Set<string>();
  #sentMs = performance.now();

  constructor(runs: readonly RunView[]) {
    this.#runs = runs;
    this.#timer = setInterval(() => this.#send(), SEND_MS);
    this.#timer.unref();
  }

  /** Opens a stream. */
  open(page: ServerResponse): void {
    // What is not sent yet is in the digests that this page gets: the others get it first.
    this.#send();
    page.writeHead(200, { "content-type": "text/event-stream", connection: "keep-alive" });
    page.write(`retry: 500\n${message("runs", this.#runs.map(stateOf))}`);
    this.#pages.add(page);
    page.on("close", () => this.#pages.delete(page));
  }

  #send(): void {
    const sent = this.#runs.flatMap((run) => {
      const { id } = run.description;
      const before = run.status;
      const events = this.#poll(run);
      return events.length > 0 || run.status !== before ? [{ id, status: run.status, events }] : [];
    });
    const isQuiet = sent.length === 0;
    if (isQuiet && performance.now() - this.#sentMs < ALIVE_MS) return;
    this.#sentMs = performance.now();
    const text = isQuiet ? ": alive\n\n" : message("events", sent);
    for (const page of this.#pages) page.write(text);
  }

  #poll(run: RunView) {
    const { id } = run.description;
    if (this.#failed.has(id)) return [];
    try {
      return run.poll();
    } catch (error) {
      if (!(error instanceof NetrunError)) throw error;
      // A damaged log stays as it is; the page has what came before.
      this.#failed.add(id);
      process.stderr.write(`warning: ${error.format()}\n`);
      return [];
    }
  }

  /** Ends all streams. */
  end(): void {
    clearInterval(this.#timer);
    this.#send();
    for (const page of this.#pages) page.end();
    this.#pages.clear();
  }
}

const stateOf = ({ description, digest, status }: RunView) => ({ ...description, digest, status });

const message = (event: string, data: unknown): string => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
