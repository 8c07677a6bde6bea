import type { ServerResponse } from "node:http";
import { NetrunError } from "../error.js";
import type { RunStatus } from "../runs/list.js";
import type { RunSource, RunView } from "./run-view.js";

/** Events are sent together, this often: a small net has hundreds of iterations a second. */
const SEND_MS = 250;
/** Runs that do not train may begin again, and others may come: that is looked for this often. */
const LOOK_MS = 2000;
/** A line now and then tells a browser that the stream lives. */
const ALIVE_MS = 15_000;

/**
 * The streams of events to open pages. A page that connects, for the first time or again, gets all runs as they are, then what happens.
 */
export class Streams {
  readonly #source: RunSource;
  readonly #pages = new Set<ServerResponse>();
  readonly #timer: NodeJS.Timeout;
  readonly #failed = new Set<string>();
  #sentMs = performance.now();
  readonly #statuses = new Map<RunView, RunStatus>();
  #lookedMs = Number.NEGATIVE_INFINITY;

  constructor(source: RunSource) {
    this.#source = source;
    this.#timer = setInterval(() => this.#send(), SEND_MS);
    this.#timer.unref();
  }

  /** Opens a stream. */
  open(page: ServerResponse): void {
    // What is not sent yet is in the digests that this page gets: the others get it first.
    this.#send();
    page.writeHead(200, { "content-type": "text/event-stream", connection: "keep-alive" });
    page.write(`retry: 500\n${message("runs", this.#source.runs.map(stateOf))}`);
    this.#pages.add(page);
    page.on("close", () => this.#pages.delete(page));
  }

  #send(isLast = false): void {
    const now = performance.now();
    const isLooking = isLast || now - this.#lookedMs >= LOOK_MS;
    if (isLooking) this.#lookedMs = now;
    const added = isLooking ? this.#look() : [];
    const sent = this.#source.runs.flatMap((run) => {
      const before = this.#statuses.get(run);
      if (added.includes(run) || (!isLooking && before !== undefined && before !== "running")) return [];
      const { id } = run;
      const events = this.#poll(run);
      const { status } = run;
      this.#statuses.set(run, status);
      return events.length > 0 || status !== before ? [{ id, status, events }] : [];
    });
    const text = [
      ...(added.length > 0 ? [message("added", added.map(stateOf))] : []),
      ...(sent.length > 0 ? [message("events", sent)] : []),
    ].join("");
    if (text === "" && now - this.#sentMs < ALIVE_MS) return;
    this.#sentMs = now;
    for (const page of this.#pages) page.write(text || ": alive\n\n");
  }

  #look(): readonly RunView[] {
    try {
      return this.#source.look();
    } catch (error) {
      return this.#fail("", error);
    }
  }

  #fail(id: string, error: unknown): [] {
    if (!(error instanceof NetrunError)) throw error;
    // A damaged log stays as it is; the page has what came before.
    if (!this.#failed.has(id)) process.stderr.write(`warning: ${error.format()}\n`);
    this.#failed.add(id);
    return [];
  }

  #poll(run: RunView) {
    const { id } = run;
    if (this.#failed.has(id)) return [];
    try {
      return run.poll();
    } catch (error) {
      return this.#fail(id, error);
    }
  }

  /** Ends all streams. */
  end(): void {
    clearInterval(this.#timer);
    this.#send(true);
    for (const page of this.#pages) page.end();
    this.#pages.clear();
  }
}

const stateOf = ({ id, description, digest, status }: RunView) => ({ id, ...description, digest, status });

const message = (event: string, data: unknown): string => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
