import type { WriteStream } from "node:tty";
import { styleText } from "node:util";
import { findPath } from "../caffe/files.js";
import type { Solver } from "../train/solver.js";
import type { TrainEvent } from "../train/train.js";
import { programName } from "./common.js";
import { type LogLine, LogLines } from "./log-lines.js";
import { Ticker } from "./ticker.js";

const COLOURS = { test: "cyan", good: "green", warning: "yellow" } as const;

/** Shows a training run: Caffe's lines, and on a terminal a live line under them. */
export class Progress {
  readonly #out: WriteStream;
  readonly #solver: Solver;
  readonly #lines: LogLines;
  readonly #ticker: Ticker;
  #tests: Ticker | undefined;
  readonly #startMs = performance.now();
  readonly #startIteration: number;
  #rows = 0;
  #trainingMs = 0;
  #waitMs = 0;
  #snapshot: { readonly model: string; readonly state: string } | undefined;

  constructor(out: WriteStream, solver: Solver) {
    this.#out = out;
    this.#solver = solver;
    this.#lines = new LogLines(solver);
    this.#startIteration = solver.iteration;
    this.#ticker = new Ticker(out, solver.parameter.max_iter - solver.iteration, "iterations");
  }

  /** A test pass goes on. */
  testing(done: number, total: number): void {
    if (done === total) {
      this.#tests?.end();
      this.#tests = undefined;
      return;
    }
    this.#tests ??= new Ticker(this.#out, total, "test batches");
    this.#tests.to(done);
  }

  show(event: TrainEvent): void {
    for (const line of this.#lines.of(event)) this.#ticker.line(this.#coloured(line));
    if (event.kind === "snapshot") this.#snapshot = event.paths;
    if (event.kind !== "iteration") return;
    const { times, rate, smoothedLoss } = event;
    this.#rows += event.rows;
    this.#waitMs += times.dataWaitMs;
    this.#trainingMs += times.dataWaitMs + times.gradientMs + times.updateMs;
    const speed = this.#rows > 0 ? `  ${this.#imagesPerSecond()} images/s` : "";
    this.#ticker.tick(`  loss ${smoothedLoss.toPrecision(4)}  lr ${rate.toPrecision(3)}${speed}`);
  }

  /**
   * Where the time went and what can be done next; `command` is how training goes on from a snapshot, `folder` where the solver's
   * prototxt is.
   */
  finish(command: string, folder: string): void {
    const seconds = (performance.now() - this.#startMs) / 1000;
    const iterations = this.#solver.iteration - this.#startIteration;
    const waiting = `${((100 * this.#waitMs) / this.#trainingMs).toFixed(1)} % of it waiting for data`;
    const speed = this.#rows > 0 ? `, ${this.#imagesPerSecond()} images/s while training, ${waiting}` : "";
    this.#ticker.end();
    this.#ticker.line(`${iterations} iterations in ${seconds.toFixed(1)} s${speed}`);
    if (!this.#snapshot) return;
    const { model, state } = this.#snapshot;
    const { net } = this.#solver.parameter;
    const netPath = findPath(net, folder) ?? net;
    const [test] = this.#solver.tests;
    for (const text of [
      "",
      `weights  ${model}`,
      `state    ${state}`,
      "next:",
      ...(net !== "" && test
        ? [`  ${programName()} test -model ${netPath} -weights ${model} -iterations ${test.iterations}`]
        : []),
      `  ${command} -snapshot ${state} --max-iter ${2 * this.#solver.iteration}`,
    ])
      this.#ticker.line(text);
  }

  #imagesPerSecond(): number {
    return Math.round(this.#rows / (this.#trainingMs / 1000));
  }

  #coloured({ text, kind }: LogLine): string {
    const plain = kind === "plain" || !this.#out.isTTY || process.env["NO_COLOR"];
    return plain ? text : styleText(COLOURS[kind], text);
  }
}
