import type { Logged } from "../train/event-log.js";
import type {
  BestEvent,
  DoneEvent,
  IterationEvent,
  LayerStatisticsEvent,
  MemoryEvent,
  RoundEvent,
  SnapshotEvent,
  StartEvent,
  TestEvent,
  TrainEvent,
} from "../train/events.js";
import { scoresOf } from "../train/scores.js";
import { addValue, cutSeries, newSeries, type SeriesData } from "./series.js";

/**
 * A training as its events told it, down-sampled: what `netrun runs` and the dashboard show. Plain data, however long the training;
 * the dashboard's page adds events to it in the browser by the same code, so nothing here may need Node.
 */
export interface Digest {
  /** Version of this form; another one is made anew from the events. */
  version: number;
  start?: StartEvent | undefined;
  done?: DoneEvent | undefined;
  /** Updates done. */
  iteration: number;
  /** Seconds of all runs of the training, one after another. */
  seconds: number;
  /** Curves by name: `train/loss`, `train/lr`, `test/accuracy` (`test 1/accuracy` of a second test net), `round/computeMs` ... */
  series: Record<string, SeriesData>;
  /** The last scores of each test net. */
  scores: Record<string, number>;
  /** The last layer statistics. */
  layers?: LayerStatisticsEvent | undefined;
  /** Histograms over time by parameter and kind, `values/conv1[0]`, and of blobs, `activations/conv1`. */
  histograms: Record<string, HistogramTrack>;
  best?: BestEvent | undefined;
  /** The last measurement of memory. */
  memory?: MemoryEvent | undefined;
  /** The last snapshots, oldest first. */
  snapshots: SnapshotEvent[];
  /** Events that are neither numbers nor snapshots, as text with their time, the last ones. */
  notes: Note[];
  /** Losses of each replica by its index, and what was done about them. */
  lost: Record<string, { redone: number; dropped: number }>;
  /** Seconds of the runs before the last. */
  before: number;
}

/** Histograms of one thing at several iterations, evenly spread. */
export interface HistogramTrack {
  /** Of every so many events one is kept. */
  stride: number;
  /** Events so far. */
  seen: number;
  at: number[];
  min: number[];
  max: number[];
  counts: (readonly number[])[];
}

/** Something that happened, for a list. */
export interface Note {
  readonly kind: TrainEvent["kind"];
  readonly iteration: number;
  readonly seconds: number;
  readonly text: string;
}

export const DIGEST_VERSION = 2;
const MOST_SNAPSHOTS = 100;
const MOST_NOTES = 200;
const MOST_SERIES = 1000;
const MOST_HISTOGRAMS = 60;
/** Replicas whose own curves are kept. */
const MOST_REPLICAS = 64;

/** The digest of no events. */
export const newDigest = (): Digest => ({
  version: DIGEST_VERSION,
  iteration: 0,
  seconds: 0,
  series: {},
  scores: {},
  snapshots: [],
  notes: [],
  histograms: {},
  lost: {},
  before: 0,
});

/** Adds an event, in order. Kinds that are unknown are passed over. */
export function addEvent(digest: Digest, { seconds: own, event }: Logged): void {
  if (event.kind === "start") startRun(digest, event);
  digest.seconds = digest.before + own;
  const { seconds } = digest;
  const add = (name: string, value: number | undefined) => {
    if (value === undefined) return;
    const series = seriesFor(digest, name);
    if (series) addValue(series, event.iteration, seconds, value);
  };
  const text = textOf(event);
  if (text !== undefined) {
    digest.notes.push({ kind: event.kind, iteration: event.iteration, seconds, text });
    if (digest.notes.length > MOST_NOTES) digest.notes.shift();
  }
  switch (event.kind) {
    case "iteration":
      digest.iteration = event.iteration + 1;
      addIteration(event, add);
      break;
    case "test":
      addTest(digest, event, add);
      break;
    case "round":
      addRound(event, add);
      break;
    case "replica-lost":
      digest.lost[event.replica] ??= { redone: 0, dropped: 0 };
      digest.lost[event.replica]![event.remedy]++;
      break;
    case "layer-statistics":
      digest.layers = event;
      addLayers(digest, event, add);
      break;
    case "best":
      digest.best = event;
      break;
    case "pretraining": {
      const series = seriesFor(digest, pretrainingCurve(event.layer));
      if (series) addValue(series, event.step, seconds, event.reconstructionError);
      break;
    }
    case "memory":
      digest.memory = event;
      add("memory/resident MiB", event.resident / 2 ** 20);
      add("memory/device MiB", event.device === undefined ? undefined : event.device / 2 ** 20);
      break;
    case "snapshot":
      digest.snapshots = digest.snapshots.filter(({ paths }) => paths.state !== event.paths.state);
      digest.snapshots.push(event);
      if (digest.snapshots.length > MOST_SNAPSHOTS) digest.snapshots.shift();
      break;
    case "done":
      digest.done = event;
      digest.iteration = event.iteration;
      break;
  }
}

/** The name of a layer's curve of pretraining, whose places are steps. */
export const pretrainingCurve = (layer: string): string => `pretraining/${layer}`;

/** The curve of a name, which may be new; undefined where there are as many as a page can show. */
function seriesFor(digest: Digest, name: string): SeriesData | undefined {
  const known = digest.series[name];
  if (known) return known;
  if (Object.keys(digest.series).length >= MOST_SERIES) return undefined;
  const series = newSeries();
  digest.series[name] = series;
  return series;
}

/** Curves whose values come after the updates that they count: one at the snapshot's iteration is of the snapshot, and is not computed again. */
const AFTER_UPDATES = /^(?:test|round|replica)\b/;

/** A run begins; one that resumes an earlier one takes the place of what that did after the snapshot. */
function startRun(digest: Digest, event: StartEvent): void {
  if (digest.start) digest.before = digest.seconds;
  digest.start = event;
  digest.done = undefined;
  digest.iteration = event.iteration;
  for (const [name, series] of Object.entries(digest.series).filter(([each]) => !each.startsWith("pretraining/")))
    cutSeries(series, AFTER_UPDATES.test(name) ? event.iteration + 1 : event.iteration);
  for (const track of Object.values(digest.histograms)) {
    const found = track.at.findIndex((at) => at >= event.iteration);
    if (found >= 0) for (const column of [track.at, track.min, track.max, track.counts]) column.length = found;
  }
}

type Add = (name: string, value: number | undefined) => void;

function addIteration({ loss, smoothedLoss, rate, rows, times }: IterationEvent, add: Add): void {
  add("train/loss", loss);
  add("train/smoothed loss", smoothedLoss);
  add("train/lr", rate);
  const ms = times.dataWaitMs + times.gradientMs + times.updateMs;
  if (ms <= 0) return;
  if (rows > 0) add("speed/rows per second", rows / (ms / 1000));
  add("speed/data wait %", (100 * times.dataWaitMs) / ms);
}

/** The name of a score of a test net in a digest. */
export const scoreName = (net: number, name: string): string => `test${net > 0 ? ` ${net}` : ""}/${name}`;

function addTest(digest: Digest, event: TestEvent, add: Add): void {
  for (const [output, value] of scoresOf(event)) {
    const name = scoreName(event.net, output);
    digest.scores[name] = value;
    add(name, value);
  }
}

/** The name of a parameter in a digest. */
export const parameterName = ({ layer, param }: { readonly layer: string; readonly param: number }): string =>
  `${layer}[${param}]`;

type Spread = Pick<LayerStatisticsEvent["activations"][number], "min" | "max" | "counts">;

function addLayers(digest: Digest, { iteration, parameters, activations }: LayerStatisticsEvent, add: Add): void {
  const track = (name: string, spread: Spread) => addHistogram(digest, name, iteration, spread);
  for (const each of parameters) {
    const name = parameterName(each);
    add(`ratio/${name}`, each.ratio);
    for (const kind of ["values", "gradients", "updates"] as const) {
      add(`${kind}/${name}`, each[kind].meanAbs);
      track(`${kind}/${name}`, each[kind]);
    }
  }
  for (const each of activations) {
    add(`activations/${each.blob}`, each.meanAbs);
    add(`zeros/${each.blob}`, each.zeros);
    track(`activations/${each.blob}`, each);
  }
}

function addHistogram({ histograms }: Digest, name: string, iteration: number, { min, max, counts }: Spread): void {
  if (!(name in histograms) && Object.keys(histograms).length >= MOST_SERIES) return;
  histograms[name] ??= { stride: 1, seen: 0, at: [], min: [], max: [], counts: [] };
  const track = histograms[name];
  if (track.seen++ % track.stride !== 0) return;
  track.at.push(iteration);
  track.min.push(min);
  track.max.push(max);
  track.counts.push(counts);
  if (track.at.length <= MOST_HISTOGRAMS) return;
  track.stride *= 2;
  for (const column of [track.at, track.min, track.max, track.counts] as unknown[][])
    column.splice(0, column.length, ...column.filter((_, i) => i % 2 === 0));
}

/** The name of a curve of one replica in a digest. */
export const replicaCurve = (replica: number, what: "rows per second" | "computeMs" | "waitMs" | "loss"): string =>
  `replica ${replica}/${what}`;

function addRound({ imagesPerSecond, times, loss, spread, shares = [] }: RoundEvent, add: Add): void {
  for (const share of shares) {
    const { replica, rows, computeMs, waitMs } = share;
    if (replica >= MOST_REPLICAS) continue;
    add(replicaCurve(replica, "rows per second"), rows / (times.totalMs / 1000));
    add(replicaCurve(replica, "computeMs"), computeMs);
    add(replicaCurve(replica, "waitMs"), waitMs);
    add(replicaCurve(replica, "loss"), share.loss);
  }
  add("round/spread", spread);
  add("round/rows per second", imagesPerSecond);
  add("round/loss", loss);
  for (const [name, value] of Object.entries(times)) add(`round/${name}`, value);
}

/** An event as a line of text; undefined for those that are numbers of every iteration. */
function textOf(event: TrainEvent): string | undefined {
  switch (event.kind) {
    case "start":
      return event.iteration > 0 ? `resumed at iteration ${event.iteration}` : `started: ${event.net.name}`;
    case "snapshot-failed":
      return `a snapshot could not be written: ${event.error.message}`;
    case "snapshot":
      return `snapshot ${event.paths.state}`;
    case "best":
      return `best ${event.metric} so far: ${Number(event.value.toPrecision(6))}`;
    case "replica-lost":
      return `replica ${event.replica} was lost in ${event.round === undefined ? `a test of net ${event.net}` : `round ${event.round}`} (${event.remedy}): ${event.reason}`;
    case "sync-interval":
      return `a round every ${event.interval} iterations`;
    case "baseline":
      return `one replica alone: ${Math.round(event.imagesPerSecond)} rows/s`;
    case "threads":
      return `${event.threads ?? "all"} threads a step`;
    case "control":
      return `${event.from} asks: ${event.action}${event.factor === undefined ? "" : ` times ${event.factor}`}`;
    case "warning":
      return event.message;
    case "done":
      return event.stopped === undefined ? "done" : `stopped (${event.stopped})`;
    default:
      return undefined;
  }
}

/** JSON has null for numbers that are not finite; curves have none of those. Whether a value is a digest of this version. */
export const isDigest = (value: unknown): value is Digest =>
  typeof value === "object" && value !== null && (value as Partial<Digest>).version === DIGEST_VERSION;
