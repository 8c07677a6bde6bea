import type { WriteStream } from "node:tty";
import { findPath } from "../caffe/files.js";
import type { IterationEvent, StartEvent, Stopped, TestProgressEvent, TrainEvent } from "../train/events.js";
import { coloured } from "./colours.js";
import { programName } from "./common.js";
import { type LogLine, LogLines } from "./log-lines.js";
import { quoted, resumeCommand, testFlags } from "./resume-command.js";
import { Ticker } from "./ticker.js";

/** Shows the events of a training: Caffe's lines, and on a terminal a live line under them. */
export class Progress {
  readonly #out: WriteStream;
  readonly #quiet: boolean;
  readonly #lines = new LogLines();
  #start: StartEvent | undefined;
  #ticker: Ticker | undefined;
  #tests: Ticker | undefined;
  readonly #startMs = performance.now();
  #rows = 0;
  #trainingMs = 0;
  #waitMs = 0;
  #iteration = 0;
  #stopped: Stopped | undefined;
  #snapshot: { readonly model: string; readonly state: string } | undefined;

  /** `quiet` leaves warnings, and what `finish` says was written. */
  constructor(out: WriteStream, quiet = false) {
    this.#out = out;
    this.#quiet = quiet;
  }

  show(event: TrainEvent): void {
    if (event.kind === "start") {
      this.#start = event;
      this.#ticker = new Ticker(this.#out, event.solver.maxIter - event.iteration, "iterations");
    }
    for (const line of this.#lines.of(event)) {
      if (!this.#quiet || line.kind === "warning") this.#ticker?.line(this.#coloured(line));
    }
    this.#iteration = event.iteration;
    if (event.kind === "snapshot") this.#snapshot = event.paths;
    if (event.kind === "test-progress" && !this.#quiet) this.#testing(event);
    if (event.kind === "iteration") this.#tick(event);
    if (event.kind === "done") this.#stopped = event.stopped;
  }

  #testing({ done, total }: TestProgressEvent): void {
    if (done === total) {
      this.#tests?.end();
      this.#tests = undefined;
      return;
    }
    this.#tests ??= new Ticker(this.#out, total, "test batches");
    this.#tests.to(done);
  }

  #tick({ times, rate, smoothedLoss, rows }: IterationEvent): void {
    this.#rows += rows;
    this.#waitMs += times.dataWaitMs;
    this.#trainingMs += times.dataWaitMs + times.gradientMs + times.updateMs;
    if (this.#quiet) return;
    const speed = this.#rows > 0 ? `  ${this.#imagesPerSecond()} images/s` : "";
    this.#ticker?.tick(`  loss ${smoothedLoss.toPrecision(4)}  lr ${rate.toPrecision(3)}${speed}`);
  }

  /**
   * Times of a run, and what can be done next; `argv` is what this run was started with, `folder` where the solver's
   * prototxt is.
   */
  finish(argv: readonly string[], folder: string): void {
    if (!this.#start || !this.#ticker) return;
    const seconds = (performance.now() - this.#startMs) / 1000;
    const iterations = this.#iteration - this.#start.iteration;
    const waiting = `${((100 * this.#waitMs) / this.#trainingMs).toFixed(1)} % of it waiting for data`;
    const speed = this.#rows > 0 ? `, ${this.#imagesPerSecond()} images/s while training, ${waiting}` : "";
    this.#tests?.end();
    this.#ticker.end();
    if (!this.#quiet) this.#ticker.line(`${iterations} iterations in ${seconds.toFixed(1)} s${speed}`);
    if (!this.#snapshot) return;
    const { model, state } = this.#snapshot;
    if (this.#quiet) {
      this.#ticker.line(`weights  ${model}`);
      this.#ticker.line(`state    ${state}`);
      return;
    }
    const { net } = this.#start.solver;
    const netPath = findPath(net, folder) ?? net;
    const [test] = this.#start.tests;
    const resume = resumeCommand(argv, { state, iteration: this.#iteration, stopped: this.#stopped });
    for (const text of [
      "",
      `weights  ${model}`,
      `state    ${state}`,
      "next:",
      ...(net !== "" && test
        ? [
            `  ${programName()} test -model ${quoted(netPath)} -weights ${quoted(model)} -iterations ${test.batches} ${testFlags(argv)}`.trimEnd(),
          ]
        : []),
      `  ${programName()} ${resume}`,
    ])
      this.#ticker.line(text);
  }

  #imagesPerSecond(): string {
    const speed = this.#rows / (this.#trainingMs / 1000);
    // Large images take seconds each.
    return speed < 10 ? `${Number(speed.toPrecision(2))}` : `${Math.round(speed)}`;
  }

  #coloured({ text, kind }: LogLine): string {
    return kind === "plain" ? text : coloured(text, kind, this.#out);
  }
}
