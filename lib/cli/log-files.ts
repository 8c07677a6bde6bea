import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { NetrunError } from "../error.js";
import type { TrainEvent } from "../train/train.js";

/** Files that a training is logged to while it runs. */
export interface LogPaths {
  /** One JSON object an event, a line each. */
  readonly json?: string | undefined;
  /** Rows `seconds,iteration,phase,net,name,value`. */
  readonly csv?: string | undefined;
}

/** Writes events to the log files; each line is whole when a call returns. */
export class LogFiles implements Disposable {
  readonly #startMs = performance.now();
  readonly #json: number | undefined;
  readonly #csv: number | undefined;

  /** Throws NetrunError if a file cannot be opened. */
  constructor({ json, csv }: LogPaths) {
    this.#json = open(json);
    this.#csv = open(csv);
    if (this.#csv !== undefined) writeSync(this.#csv, "seconds,iteration,phase,net,name,value\n");
  }

  write(event: TrainEvent): void {
    const seconds = Number(((performance.now() - this.#startMs) / 1000).toFixed(3));
    if (this.#json !== undefined) writeSync(this.#json, `${JSON.stringify({ seconds, ...record(event) })}\n`);
    if (this.#csv === undefined) return;
    for (const row of rows(event)) writeSync(this.#csv, `${[seconds, event.iteration, ...row].join(",")}\n`);
  }

  [Symbol.dispose](): void {
    for (const fd of [this.#json, this.#csv]) if (fd !== undefined) closeSync(fd);
  }
}

function open(path: string | undefined): number | undefined {
  if (path === undefined) return undefined;
  try {
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, "w");
  } catch (cause) {
    throw new NetrunError(`cannot write the log: ${(cause as Error).message}`, { file: path, cause });
  }
}

const numbers = (outputs: Readonly<Record<string, Float32Array>>): Record<string, readonly number[]> =>
  Object.fromEntries(Object.entries(outputs).map(([name, values]) => [name, [...values]]));

/** The object of an event, as `--log-json` writes it. */
function record(event: TrainEvent): object {
  const { kind, iteration } = event;
  switch (event.kind) {
    case "iteration": {
      const { loss, smoothedLoss, rate, rows, times, outputs } = event;
      const ms = { data_wait_ms: times.dataWaitMs, gradient_ms: times.gradientMs, update_ms: times.updateMs };
      const shown = event.display ? { outputs: numbers(outputs) } : {};
      return { event: kind, iteration, loss, smoothed_loss: smoothedLoss, lr: rate, rows, ...ms, ...shown };
    }
    case "test":
      return { event: kind, iteration, net: event.net, loss: event.loss, outputs: numbers(event.outputs) };
    case "loss":
      return { event: kind, iteration, smoothed_loss: event.smoothedLoss ?? null };
    case "best":
      return { event: kind, iteration, metric: event.metric, value: event.value, path: event.path };
    case "snapshot":
      return { event: kind, iteration, ...event.paths };
    case "snapshot-failed":
      return { event: kind, iteration, error: event.error.message };
    case "round": {
      const { round, iterations, loss, rows, imagesPerSecond, times, lost } = event;
      const ms = {
        send_ms: times.sendMs,
        compute_ms: times.computeMs,
        wait_ms: times.waitMs,
        average_ms: times.averageMs,
      };
      return { event: kind, iteration, round, iterations, loss, rows, images_per_second: imagesPerSecond, ...ms, lost };
    }
    case "sync-interval": {
      const { interval, iterationMs, overheadMs } = event;
      return { event: kind, iteration, interval, iteration_ms: iterationMs, overhead_ms: overheadMs };
    }
    case "baseline":
      return { event: kind, iteration, images_per_second: event.imagesPerSecond };
    case "done": {
      const { imagesPerSecond, speedUp } = event;
      const speed =
        imagesPerSecond === undefined ? {} : { images_per_second: imagesPerSecond, speed_up: speedUp ?? null };
      return { event: kind, iteration, stopped: event.stopped ?? null, ...speed };
    }
  }
}

function rows(event: TrainEvent): readonly (readonly (string | number)[])[] {
  if (event.kind === "iteration") {
    const { loss, smoothedLoss, rate } = event;
    return [
      ["train", 0, "loss", loss],
      ["train", 0, "smoothed_loss", smoothedLoss],
      ["train", 0, "lr", rate],
    ];
  }
  if (event.kind !== "test") return [];
  return Object.entries(event.outputs).flatMap(([name, values]) =>
    [...values].map((value, i) => ["test", event.net, values.length === 1 ? name : `${name}[${i}]`, value]),
  );
}
