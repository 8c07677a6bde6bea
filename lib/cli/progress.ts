import type { WriteStream } from "node:tty";
import type { Solver } from "../solve/solver.js";
import type { IterationEvent, TestEvent, TrainEvent } from "../solve/train.js";

/** A live line is redrawn at most this often. */
const REDRAW_MS = 100;

/** Shows a training run: Caffe's lines, and on a terminal a live line under them. */
export class Progress {
  readonly #out: WriteStream;
  readonly #solver: Solver;
  readonly #startMs = performance.now();
  readonly #startIteration: number;
  #lastShownMs = performance.now();
  #lastShownIteration: number;
  #drawnMs = 0;
  #rows = 0;
  #trainingMs = 0;
  #snapshots: string[] = [];

  constructor(out: WriteStream, solver: Solver) {
    this.#out = out;
    this.#solver = solver;
    this.#startIteration = solver.iteration;
    this.#lastShownIteration = solver.iteration;
  }

  show(event: TrainEvent): void {
    switch (event.kind) {
      case "iteration":
        this.#iteration(event);
        break;
      case "test":
        this.#test(event);
        break;
      case "snapshot":
        this.#snapshots = [event.paths.model, event.paths.state];
        this.#line(`Snapshotting to ${event.paths.model} and ${event.paths.state}`);
        break;
      case "snapshot-failed":
        this.#line(`warning: no snapshot of iteration ${event.iteration}: ${event.error.message}; training goes on`);
        break;
      case "done":
        this.#line(event.stopped ? "Optimization stopped early." : "Optimization Done.");
    }
  }

  #iteration(event: IterationEvent): void {
    const { times, iteration, rate, smoothedLoss } = event;
    this.#rows += event.rows;
    this.#trainingMs += times.dataWaitMs + times.gradientMs + times.updateMs;
    if (event.display) this.#display(event);
    const now = performance.now();
    if (!this.#out.isTTY || now - this.#drawnMs < REDRAW_MS) return;
    this.#drawnMs = now;
    const { max_iter } = this.#solver.parameter;
    const done = iteration + 1 - this.#startIteration;
    const leftS = ((now - this.#startMs) / 1000 / done) * (max_iter - iteration - 1);
    const speed = this.#rows > 0 ? ` ${Math.round(this.#rows / (this.#trainingMs / 1000))} images/s ` : "";
    this.#out.write(
      `\r\u001b[K${bar(done / (max_iter - this.#startIteration))} ${iteration + 1}/${max_iter}  loss ${smoothedLoss.toPrecision(4)}  lr ${rate.toPrecision(3)} ${speed} ${clock(leftS)} left`,
    );
  }

  /** What Caffe prints every `display` iterations. */
  #display({ iteration, smoothedLoss, rate, outputs }: IterationEvent): void {
    const now = performance.now();
    const iterations = iteration - this.#lastShownIteration;
    const seconds = (now - this.#lastShownMs) / 1000;
    const { display } = this.#solver.parameter;
    const speed =
      iterations > 0
        ? ` (${(iterations / seconds).toPrecision(4)} iter/s, ${seconds.toPrecision(4)}s/${display} iters)`
        : "";
    this.#line(`Iteration ${iteration}${speed}, loss = ${smoothedLoss.toPrecision(6)}`);
    let index = 0;
    for (const [name, values] of Object.entries(outputs)) {
      for (const value of values) this.#line(`    Train net output #${index++}: ${name} = ${value.toPrecision(6)}`);
    }
    this.#line(`Iteration ${iteration}, lr = ${Number(rate.toPrecision(6))}`);
    this.#lastShownIteration = iteration;
    this.#lastShownMs = now;
  }

  #test({ iteration, net, outputs }: TestEvent): void {
    this.#line(`Iteration ${iteration}, Testing net (#${net})`);
    let index = 0;
    for (const [name, values] of Object.entries(outputs)) {
      for (const value of values) this.#line(`    Test net output #${index++}: ${name} = ${value.toPrecision(6)}`);
    }
  }

  /** Where the time went and what can be done next. */
  finish(): void {
    const seconds = (performance.now() - this.#startMs) / 1000;
    const iterations = this.#solver.iteration - this.#startIteration;
    const speed =
      this.#rows > 0 ? `, ${Math.round(this.#rows / (this.#trainingMs / 1000))} images/s while training` : "";
    this.#line(`${iterations} iterations in ${seconds.toFixed(1)} s${speed}`);
    const [model, state] = this.#snapshots;
    if (model === undefined) return;
    this.#line("");
    this.#line(`weights  ${model}`);
    this.#line(`state    ${state}`);
    const { net } = this.#solver.parameter;
    this.#line("next:");
    if (net !== "" && this.#solver.testIterations.length > 0) {
      this.#line(`  netrun test -model ${net} -weights ${model} -iterations ${this.#solver.testIterations[0]}`);
    }
    this.#line(`  netrun train SOLVER.prototxt -snapshot ${state}    goes on from here, with a greater max_iter`);
  }

  #line(text: string): void {
    this.#out.write(this.#out.isTTY ? `\r\u001b[K${text}\n` : `${text}\n`);
  }
}

function bar(share: number): string {
  const width = 20;
  const full = Math.round(Math.min(1, share) * width);
  return `[${"=".repeat(full)}${" ".repeat(width - full)}]`;
}

function clock(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  const pad = (n: number) => String(n).padStart(2, "0");
  return s >= 3600
    ? `${Math.floor(s / 3600)}:${pad(Math.floor(s / 60) % 60)}:${pad(s % 60)}`
    : `${Math.floor(s / 60)}:${pad(s % 60)}`;
}
