import type { RoundEvent } from "../train/rounds.js";
import type { Solver } from "../train/solver.js";
import type { DoneEvent, IterationEvent, TestEvent, TrainEvent } from "../train/train.js";

/** A line of the log, and what it is, for its colour. */
export interface LogLine {
  readonly text: string;
  readonly kind: "plain" | "test" | "good" | "warning";
}

const line = (text: string, kind: LogLine["kind"] = "plain"): LogLine => ({ text, kind });

/** Six digits, as Caffe prints. */
const digits = (value: number): string => String(Number(value.toPrecision(6)));

/** What Caffe writes behind an output that counts in the objective: ` (* 1 = 0.1 loss)`. */
export function lossShare(weight: number, value: number): string {
  return weight === 0 ? "" : ` (* ${digits(weight)} = ${digits(weight * value)} loss)`;
}

/** Tells a training run in Caffe's words. */
export class LogLines {
  readonly #solver: Solver;
  #shownMs = performance.now();
  #shownIteration: number;
  #waitMs = 0;
  #trainingMs = 0;

  constructor(solver: Solver) {
    this.#solver = solver;
    this.#shownIteration = solver.iteration;
  }

  of(event: TrainEvent): readonly LogLine[] {
    switch (event.kind) {
      case "iteration":
        this.#waitMs += event.times.dataWaitMs;
        this.#trainingMs += event.times.dataWaitMs + event.times.gradientMs + event.times.updateMs;
        return event.display ? this.#display(event) : [];
      case "test":
        return this.#test(event);
      case "loss":
        return event.smoothedLoss === undefined
          ? []
          : [line(`Iteration ${event.iteration}, loss = ${digits(event.smoothedLoss)}`)];
      case "best":
        return [
          line(`Iteration ${event.iteration}, best ${event.metric} = ${digits(event.value)}: ${event.path}`, "good"),
        ];
      case "snapshot":
        return [line(`Snapshotting to ${event.paths.model} and ${event.paths.state}`)];
      case "snapshot-failed":
        return [line(`warning: no snapshot of iteration ${event.iteration}: ${event.error.message}`, "warning")];
      case "round":
        return roundLines(event);
      case "sync-interval":
        return [
          line(
            `Sync interval ${event.interval}: ${ms(event.iterationMs)} an iteration, ${ms(event.overheadMs)} to bring replicas together`,
          ),
        ];
      case "baseline":
        return [line(`Baseline: one replica alone, ${digits(Math.round(event.imagesPerSecond))} images/s`)];
      case "done":
        return [
          ...speedLines(event),
          ...(event.skipped > 0 ? [line(`warning: records left out: ${event.skipped}`, "warning")] : []),
          line(event.stopped ? `Optimization stopped early${REASONS[event.stopped]}.` : "Optimization Done."),
        ];
    }
  }

  /** What Caffe prints every `display` iterations. */
  #display({ iteration, smoothedLoss, rate, rows, outputs, debug }: IterationEvent): readonly LogLine[] {
    const now = performance.now();
    const iterations = iteration - this.#shownIteration;
    const seconds = (now - this.#shownMs) / 1000;
    const speed =
      iterations > 0 ? ` (${digits(iterations / seconds)} iter/s, ${digits(seconds)}s/${iterations} iters)` : "";
    const wait = (100 * this.#waitMs) / this.#trainingMs;
    this.#shownIteration = iteration;
    this.#shownMs = now;
    this.#waitMs = this.#trainingMs = 0;
    return [
      ...debug.map((text) => line(text)),
      line(`Iteration ${iteration}${speed}, loss = ${digits(smoothedLoss)}`),
      ...outputLines("Train", outputs, this.#solver.net.lossWeights),
      line(`Iteration ${iteration}, lr = ${digits(rate)}`),
      ...(rows > 0 ? [line(`Iteration ${iteration}, data wait = ${wait.toFixed(2)} %`)] : []),
    ];
  }

  #test({ iteration, net, outputs, loss }: TestEvent): readonly LogLine[] {
    return [
      line(`Iteration ${iteration}, Testing net (#${net})`, "test"),
      ...(this.#solver.parameter.test_compute_loss ? [line(`Test loss: ${digits(loss)}`, "test")] : []),
      ...outputLines("Test", outputs, this.#solver.tests[net]!.lossWeights).map(({ text }) => line(text, "test")),
    ];
  }
}

const ms = (value: number): string => `${Number(value.toPrecision(3))} ms`;

/** What every round of several replicas tells, and what happened to those that were lost. */
function roundLines({ round, iteration, loss, imagesPerSecond, times, lost }: RoundEvent): readonly LogLine[] {
  const { computeMs, waitMs, averageMs, sendMs } = times;
  const parts = `computing ${ms(computeMs)}, waiting ${ms(waitMs)}, averaging ${ms(averageMs)}, sending ${ms(sendMs)}`;
  return [
    ...lost.map(({ replica, reason, remedy }) =>
      line(`warning: partition ${replica} lost its ${reason}; its part of the round is ${REMEDIES[remedy]}`, "warning"),
    ),
    line(
      `Round ${round}, iteration ${iteration}, loss = ${digits(loss)}, ${Math.round(imagesPerSecond)} images/s: ${parts}`,
    ),
  ];
}

const REMEDIES = { redone: "done again", dropped: "left out" } as const;

function speedLines({ imagesPerSecond, speedUp }: DoneEvent): readonly LogLine[] {
  if (imagesPerSecond === undefined) return [];
  const against = speedUp === undefined ? "" : `, ${speedUp.toFixed(2)} times one replica alone`;
  return [line(`Replicas together: ${Math.round(imagesPerSecond)} images/s${against}`)];
}

const REASONS = {
  asked: "",
  "early-stop": ": no better score for long enough",
  "max-time": ": the time is over",
} as const;

function outputLines(
  phase: "Train" | "Test",
  outputs: Readonly<Record<string, Float32Array>>,
  weights: ReadonlyMap<string, number>,
): readonly LogLine[] {
  const values = Object.entries(outputs).flatMap(([name, all]) => [...all].map((value) => ({ name, value })));
  return values.map(({ name, value }, i) =>
    line(`    ${phase} net output #${i}: ${name} = ${digits(value)}${lossShare(weights.get(name) ?? 0, value)}`),
  );
}
