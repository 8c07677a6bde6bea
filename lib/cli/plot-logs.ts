import { readBytes } from "../caffe/files.js";
import { NetrunError } from "../error.js";

/** One value of a run. */
export interface Point {
  readonly iteration: number;
  /** Since the start, where the log tells. */
  readonly seconds: number | undefined;
  readonly value: number;
}

/** What a log tells: its series by name, `lr`, `train loss`, `test accuracy` and so on. */
export interface Log {
  readonly path: string;
  readonly series: ReadonlyMap<string, readonly Point[]>;
}

/** Reads a log of netrun (JSON, CSV or as printed) or of Caffe. Throws NetrunError where it tells nothing. */
export function readLog(path: string): Log {
  const text = Buffer.from(readBytes(path).bytes).toString("utf8");
  const series = new Map<string, Point[]>();
  const add = (name: string, point: Point) => {
    const points = series.get(name);
    if (points) points.push(point);
    else series.set(name, [point]);
  };
  const lines = text.split(/\r?\n/);
  if (text.startsWith("{")) readJson(lines, add);
  else if (text.startsWith("seconds,")) readCsv(lines, add);
  else readPrinted(lines, add);
  if (series.size === 0) throw new NetrunError("there is nothing of a training in this log", { file: path });
  return { path, series };
}

type Add = (name: string, point: Point) => void;

function readJson(lines: readonly string[], add: Add): void {
  for (const line of lines) {
    // The last line of a run that was killed may be cut off.
    if (!line.endsWith("}")) continue;
    const { event, iteration, seconds, ...rest } = JSON.parse(line);
    const put = (name: string, value: number) => add(name, { iteration, seconds, value });
    if (event === "iteration") {
      put("train loss", rest.smoothed_loss);
      put("lr", rest.lr);
    } else if (event === "test") {
      for (const [name, values] of Object.entries<readonly number[]>(rest.outputs))
        values.forEach((value, i) => {
          put(testName(rest.net, values.length === 1 ? name : `${name}[${i}]`), value);
        });
    }
  }
}

function readCsv(lines: readonly string[], add: Add): void {
  for (const line of lines.slice(1)) {
    const [seconds, iteration, phase, net, name, value] = line.split(",");
    if (value === undefined || (name === "loss" && phase === "train")) continue;
    const series = phase === "test" ? testName(Number(net), name!) : name === "lr" ? "lr" : "train loss";
    add(series, { iteration: Number(iteration), seconds: Number(seconds), value: Number(value) });
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
function readPrinted(lines: readonly string[], add: Add): void {
  let start: number | undefined;
  let days = 0;
  let last = 0;
  let testing: { readonly iteration: number; readonly net: number } | undefined;
  for (const line of lines) {
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
