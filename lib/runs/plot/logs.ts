import { refuseOther } from "../../caffe/content.js";
import { isBinary, readBytes, requireFile } from "../../caffe/files.js";
import { NetrunError } from "../../error.js";
import { linesIn } from "../../file.js";
import { CSV_HEADER, readCsvLine, readJsonLine } from "../../train/event-log.js";
import { scoresOf } from "../../train/scores.js";

/** One value of a run. */
export interface Point {
  readonly iteration: number;
  /** Since the start, where the log tells. */
  readonly seconds: number | undefined;
  readonly value: number;
}

/** Series of a log: its series by name, `lr`, `train loss`, `test accuracy` and so on. */
export interface PlottedLog {
  readonly path: string;
  readonly series: ReadonlyMap<string, readonly Point[]>;
}

/** Series of a log: each score is a panel of its own. */
const MAX_SERIES = 1000;

/** Reads a log of netrun (JSON, CSV or as printed) or of Caffe. Throws NetrunError where it tells nothing, or too much to be drawn. */
export function readLog(path: string): PlottedLog {
  const found = requireFile(path);
  const series = new Map<string, Point[]>();
  const add = (name: string, point: Point) => {
    if (!Number.isFinite(point.value)) return;
    const points = series.get(name) ?? [];
    if (series.size === MAX_SERIES && points.length === 0)
      throw new NetrunError(`has more than ${MAX_SERIES} series, the most that are drawn`, { file: path });
    series.set(name, points);
    // A run that resumes an earlier snapshot does some iterations once more: the last counts.
    const isBack = (points.at(-1)?.iteration ?? 0) > point.iteration;
    while (isBack && points.length > 0 && points.at(-1)!.iteration >= point.iteration) points.pop();
    points.push(point);
  };
  const lines = linesIn(found);
  const { value: first } = lines.next();
  const all = (function* () {
    if (first) yield first;
    yield* lines;
  })();
  if (first?.line.startsWith("{")) readJson(path, wholeLines(all), add);
  else if (first?.line.startsWith(CSV_HEADER.trimEnd())) readCsv(path, wholeLines(all), add);
  else readPrinted(all, add);
  if (series.size === 0) {
    const { bytes } = readBytes(found);
    if (isBinary(bytes)) refuseOther("log", bytes, path);
    throw new NetrunError("there is nothing of a training in this log", { file: path });
  }
  return { path, series };
}

type Add = (name: string, point: Point) => void;

/** The last line of a run that was killed may be cut off: what follows the last end of a line does not count. */
function* wholeLines(lines: ReturnType<typeof linesIn>): Generator<readonly [index: number, line: string]> {
  let index = 0;
  for (const { line, whole } of lines) if (whole) yield [index++, line];
}

/** Reads a line of a log. Throws NetrunError with its place. */
function readLine<T>(path: string, index: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof NetrunError)) throw error;
    throw new NetrunError(`line ${index + 1}: ${error.message}`, { file: path, notes: error.notes, cause: error });
  }
}

/** The time in a log that several runs, each resuming the one before, have written: each counts its seconds from 0. */
class Clock {
  #before = 0;
  #last = 0;

  at(seconds: number): number {
    if (seconds < this.#last) this.#before += this.#last;
    this.#last = seconds;
    return this.#before + seconds;
  }
}

type Lines = Iterable<readonly [index: number, line: string]>;

function readJson(path: string, lines: Lines, add: Add): void {
  const clock = new Clock();
  for (const [i, line] of lines) {
    const { seconds: own, event } = readLine(path, i, () => readJsonLine(line)) ?? {};
    const seconds = own === undefined ? undefined : clock.at(own);
    if (event?.kind === "iteration") {
      add("train loss", { iteration: event.iteration, seconds, value: event.smoothedLoss });
      add("lr", { iteration: event.iteration, seconds, value: event.rate });
    } else if (event?.kind === "test") {
      for (const [name, value] of scoresOf(event))
        add(testName(event.net, name), { iteration: event.iteration, seconds, value });
    }
  }
}

/** Series of a CSV log's values of the train net. */
const TRAIN_SERIES: Readonly<Record<string, string>> = { smoothed_loss: "train loss", lr: "lr" };

function readCsv(path: string, lines: Lines, add: Add): void {
  const clock = new Clock();
  for (const [i, line] of lines) {
    if (i === 0) continue;
    const { iteration, seconds: own, phase, net, name, value } = readLine(path, i, () => readCsvLine(line));
    const seconds = clock.at(own);
    const series = phase === "test" ? testName(net, name) : TRAIN_SERIES[name];
    if (series !== undefined) add(series, { iteration, seconds, value });
  }
}

const testName = (net: number, name: string) => `test ${name}${net > 0 ? ` (#${net})` : ""}`;

const NUMBER = String.raw`(-?[\d.]+(?:e[-+]?\d+)?)`;
const ITERATION = new RegExp(String.raw`Iteration (\d+)(?: \(.*?\))?, (loss|lr) = ${NUMBER}`);
const TESTING = /Iteration (\d+), Testing net \(#(\d+)\)/;
const OUTPUT = new RegExp(String.raw`Test net output #\d+: (\S+) = ${NUMBER}`);
/** glog's prefix: severity, month and day, time. */
const CLOCK = /^[IWEF]\d{4} (\d\d):(\d\d):(\d\d(?:\.\d+)?)/;

/** Lines as Caffe prints them, with glog's prefix or without. */
function readPrinted(lines: ReturnType<typeof linesIn>, add: Add): void {
  let start: number | undefined;
  let days = 0;
  let last = 0;
  let testing: { readonly iteration: number; readonly net: number } | undefined;
  for (const { line } of lines) {
    const clock = CLOCK.exec(line);
    const now = clock ? Number(clock[1]) * 3600 + Number(clock[2]) * 60 + Number(clock[3]) : undefined;
    if (now !== undefined) {
      if (now < last) days++;
      last = now;
      start ??= now;
    }
    const seconds = now === undefined ? undefined : now + days * 86400 - start!;
    const iteration = ITERATION.exec(line);
    if (iteration) {
      const name = iteration[2] === "lr" ? "lr" : "train loss";
      add(name, { iteration: Number(iteration[1]), seconds, value: Number(iteration[3]) });
      continue;
    }
    const test = TESTING.exec(line);
    if (test) testing = { iteration: Number(test[1]), net: Number(test[2]) };
    const output = OUTPUT.exec(line);
    if (output && testing) {
      add(testName(testing.net, output[1]!), { iteration: testing.iteration, seconds, value: Number(output[2]) });
    }
  }
}
