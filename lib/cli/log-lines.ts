import { deviceName } from "../onnx/device.js";
import type {
  ControlEvent,
  DoneEvent,
  IterationEvent,
  RoundEvent,
  StartEvent,
  StatisticsEvent,
  TestEvent,
  ThreadsEvent,
  TrainEvent,
} from "../train/events.js";
import { inUnits } from "../train/memory.js";
import { pretrainingText } from "./pretraining-text.js";

/** A line of the log, and what it is, for its colour. */
export interface LogLine {
  readonly text: string;
  readonly kind: "plain" | "test" | "good" | "warning";
}

const line = (text: string, kind: LogLine["kind"] = "plain"): LogLine => ({ text, kind });

/** Six digits, as Caffe prints. */
const digits = (value: number): string => String(Number(value.toPrecision(6)));

/** Caffe's text after an output that counts in the objective: ` (* 1 = 0.1 loss)`. */
export function lossShare(weight: number, value: number): string {
  return weight === 0 ? "" : ` (* ${digits(weight)} = ${digits(weight * value)} loss)`;
}

const CONTROLS = { snapshot: "a snapshot", stop: "the end", rate: "another learning rate" } as const;

const rateText = ({ factor, rate }: ControlEvent): string =>
  factor === undefined ? "" : `: ${factor} times, the next is ${digits(rate!)}`;

/** A training in the lines that Caffe prints. */
export class LogLines {
  #start: StartEvent | undefined;
  #shownMs = performance.now();
  #shownIteration = 0;
  #waitMs = 0;
  #trainingMs = 0;

  of(event: TrainEvent): readonly LogLine[] {
    switch (event.kind) {
      case "start":
        this.#start = event;
        this.#shownMs = performance.now();
        this.#shownIteration = event.iteration;
        return startLines(event);
      case "iteration":
        this.#waitMs += event.times.dataWaitMs;
        this.#trainingMs += event.times.dataWaitMs + event.times.gradientMs + event.times.updateMs;
        return event.display ? this.#display(event) : [];
      case "statistics":
        return statisticsLines(event);
      case "layer-statistics":
      case "test-progress":
        return [];
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
      case "replica-lost": {
        const { replica, reason, remedy, net } = event;
        const text = `partition ${replica} lost its ${reason}; its part of the ${net === undefined ? "round" : "test"} is ${REMEDIES[remedy]}`;
        return [line(`warning: ${text}`, "warning")];
      }
      case "sync-interval":
        return [
          line(
            `Sync interval ${event.interval}: ${ms(event.iterationMs)} an iteration, ${ms(event.overheadMs)} to average replicas`,
          ),
        ];
      case "memory":
        return [];
      case "threads":
        return [line(threadsText(event))];
      case "baseline":
        return [line(`Baseline: one replica alone, ${digits(Math.round(event.imagesPerSecond))} images/s`)];
      case "control":
        return [line(`The ${event.from} asks for ${CONTROLS[event.action]}${rateText(event)}`)];
      case "pretraining":
        return [line(`Pretraining ${event.layer}, iteration ${event.step}: ${pretrainingText(event)}`)];
      case "warning": {
        const place = event.file === undefined ? "" : `${event.file}: `;
        return [`warning: ${place}${event.message}`, ...event.notes.map((note) => `note: ${note}`)].map((text) =>
          line(text, "warning"),
        );
      }
      case "done":
        return [
          ...speedLines(event),
          ...(event.skipped > 0 ? [line(`warning: records skipped: ${event.skipped}`, "warning")] : []),
          line(event.stopped ? `Optimization stopped early${REASONS[event.stopped]}.` : "Optimization Done."),
        ];
    }
  }

  /** Caffe's lines of an iteration that `display` names. */
  #display({ iteration, smoothedLoss, rate, rows, outputs }: IterationEvent): readonly LogLine[] {
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
      line(`Iteration ${iteration}${speed}, loss = ${digits(smoothedLoss)}`),
      ...outputLines("Train", outputs, this.#start?.net.lossWeights ?? {}),
      line(`Iteration ${iteration}, lr = ${digits(rate)}`),
      ...(rows > 0 ? [line(`Iteration ${iteration}, data wait = ${wait.toFixed(2)} %`)] : []),
    ];
  }

  #test({ iteration, net, outputs, loss, classes = {} }: TestEvent): readonly LogLine[] {
    const { solver, tests } = this.#start ?? {};
    return [
      line(`Iteration ${iteration}, Testing net (#${net})`, "test"),
      ...(solver?.testComputeLoss ? [line(`Test loss: ${digits(loss)}`, "test")] : []),
      ...Object.values(classes)
        .flatMap(Object.entries)
        .map(([label, value]) => line(`class${label}: ${digits(value)}`, "test")),
      ...outputLines("Test", outputs, tests?.[net]?.lossWeights ?? {}).map(({ text }) => line(text, "test")),
    ];
  }
}

/** Lines on replicas, where there are several, and the memory that training takes. */
/** Layers from which on the time before the first iteration is worth a line: 500 InnerProduct layers take 4 s, 2,000 over a minute. */
const MANY_LAYERS = 1000;

function startLines({ net, memory, replicas, device }: StartEvent): readonly LogLine[] {
  const { parameters, blobs } = memory;
  return [
    ...(net.layers < MANY_LAYERS
      ? []
      : [line(`Preparing ${net.layers} layers, which may take minutes: onnxruntime's time grows with their square`)]),
    ...(device?.chosenBy ? [line(deviceLine(device))] : []),
    ...(replicas.isolation === "local" ? [] : [line(describeReplicas(replicas))]),
    line(`Memory: ${inUnits(parameters)} for parameters, gradients and history, up to ${inUnits(blobs)} for blobs`),
  ];
}

function deviceLine(device: NonNullable<StartEvent["device"]>): string {
  const { provider, chosenBy } = device;
  const why = { options: "", auto: " (auto)", solver_mode: " (solver_mode: GPU)" }[chosenBy ?? "options"];
  const isMissed = provider === "cpu" && chosenBy !== "options";
  return `Training on ${deviceName(device)}${why}${isMissed ? ": no GPU can be used here, see netrun devices" : ""}`;
}

function describeReplicas(replicas: StartEvent["replicas"]): string {
  const { count, isolation, syncInterval, averaging, alpha, averageHistory, batchScaling, onWorkerLoss } = replicas;
  const rule = averaging === "elastic" ? `elastic, alpha ${alpha?.toPrecision(3)}` : "mean";
  const batches =
    batchScaling === "strong"
      ? "each takes its share of a batch (strong scaling)"
      : "each takes whole batches (weak scaling)";
  const history = averageHistory ? "history averaged too" : "history stays local";
  const every = syncInterval === "auto" ? "an interval to be found" : `${syncInterval} iterations`;
  const remedy = onWorkerLoss === "drop" ? "dropped" : "done again";
  return `${count} replicas (${isolation}), averaged after ${every} (${rule}, ${history}); ${batches}; a lost worker's part is ${remedy}`;
}

/** Caffe's lines of debug_info. */
function statisticsLines({ forward, backward, norms, update }: StatisticsEvent): readonly LogLine[] {
  const { data, diff } = norms;
  const what = ({ blob, param }: StatisticsEvent["forward"][number]) =>
    blob === undefined ? `param blob ${param}` : `top blob ${blob}`;
  return [
    ...forward.map((each) => `    [Forward] Layer ${each.layer}, ${what(each)} data: ${digits(each.meanAbs)}`),
    ...backward.map((each) => `    [Backward] Layer ${each.layer}, ${what(each)} diff: ${digits(each.meanAbs)}`),
    `    [Backward] All net params (data, diff): L1 norm = (${digits(data.l1)}, ${digits(diff.l1)}); L2 norm = (${digits(data.l2)}, ${digits(diff.l2)})`,
    ...update.map(
      ({ layer, param, data: value, diff: change }) =>
        `    [Update] Layer ${layer}, param ${param} data: ${digits(value)}; diff: ${digits(change)}`,
    ),
  ].map((text) => line(text));
}

const ms = (value: number): string => `${Number(value.toPrecision(3))} ms`;

/** The line of a round of several replicas. */
function roundLines({ round, iteration, loss, imagesPerSecond, times }: RoundEvent): readonly LogLine[] {
  const { computeMs, waitMs, averageMs, sendMs } = times;
  const parts = `computing ${ms(computeMs)}, waiting ${ms(waitMs)}, averaging ${ms(averageMs)}, sending ${ms(sendMs)}`;
  return [
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
  outputs: TestEvent["outputs"],
  weights: Readonly<Record<string, number>>,
): readonly LogLine[] {
  const values = Object.entries(outputs).flatMap(([name, all]) => all.map((value) => ({ name, value })));
  return values.map(({ name, value }, i) =>
    line(`    ${phase} net output #${i}: ${name} = ${digits(value)}${lossShare(weights[name] ?? 0, value)}`),
  );
}

/** The threads that were chosen, and what a pass took with each number that was tried. */
function threadsText({ threads, tried }: ThreadsEvent): string {
  const name = (count: number | undefined) => (count === undefined ? "onnxruntime's choice" : String(count));
  const times = tried.map((each) => `${ms(each.passMs)} a pass with ${name(each.threads)}`);
  return `Threads: ${name(threads)} (${times.length > 0 ? times.join(", ") : "measured before"})`;
}
