import type { WriteStream } from "node:tty";

/** A live line is redrawn at most this often. */
const REDRAW_MS = 100;
/** Time below which a task needs no bar. */
const QUIET_MS = 2000;

/** A progress bar with the time left, on a terminal, under the lines that scroll. */
export class Ticker {
  readonly #out: WriteStream;
  readonly #total: number;
  readonly #what: string;
  readonly #startMs = performance.now();
  #drawnMs = 0;
  #done = 0;

  constructor(out: WriteStream, total: number, what: string) {
    this.#out = out;
    this.#total = total;
    this.#what = what;
  }

  /** One of the total is done; `note` follows the count. */
  tick(note = ""): void {
    this.to(this.#done + 1, note);
  }

  /** `done` of the total are done. */
  to(done: number, note = ""): void {
    this.#done = done;
    const now = performance.now();
    const spentMs = now - this.#startMs;
    const leftMs = (spentMs / this.#done) * (this.#total - this.#done);
    if (!this.#out.isTTY || spentMs + leftMs < QUIET_MS || now - this.#drawnMs < REDRAW_MS) return;
    this.#drawnMs = now;
    const count = `${this.#done}/${this.#total} ${this.#what}`;
    const text = `${bar(this.#done / this.#total)} ${count}${note}  ${clock(leftMs / 1000)} left`;
    // A line that wraps cannot be taken back.
    this.#out.write(`\r\u001b[K${text.slice(0, (this.#out.columns || 80) - 1)}`);
  }

  /** Prints a line above the bar. */
  line(text: string): void {
    this.#out.write(this.#out.isTTY ? `\r\u001b[K${text}\n` : `${text}\n`);
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#out.isTTY) this.#out.write("\r\u001b[K");
  }
}

/** A progress bar for what tells its total with each step; pass `at` on, and take the bar away with `end`. */
export function progressBar(
  out: WriteStream,
  what: string,
  quiet = false,
): { at(done: number, total: number): void; end(): void } {
  let ticker: Ticker | undefined;
  return {
    at(done, total) {
      if (quiet) return;
      ticker ??= new Ticker(out, total, what);
      ticker.to(done);
    },
    end: () => ticker?.end(),
  };
}

function bar(share: number): string {
  const width = 20;
  const full = Math.round(Math.min(1, share) * width);
  return `[${"=".repeat(full)}${" ".repeat(width - full)}]`;
}

/** Seconds as h:mm:ss, without hours where there are none. */
export function clock(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  const pad = (n: number) => String(n).padStart(2, "0");
  const [h, m] = [Math.floor(s / 3600), Math.floor(s / 60) % 60];
  return h > 0 ? `${h}:${pad(m)}:${pad(s % 60)}` : `${m}:${pad(s % 60)}`;
}
