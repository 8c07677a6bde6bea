import { hostname } from "node:os";
import { join } from "node:path";
import type { NetrunError } from "../../error.js";
import type { LayerStatisticsEvent, TestEvent, TrainEvent } from "../../train/events.js";
import { scoresOf } from "../../train/scores.js";
import type { Solver } from "../../train/solver.js";
import { parameterName, scoreName } from "../digest.js";
import { pngOf } from "../../data/image/png.js";
import { tiles } from "../filters.js";
import { LogFile } from "../log-files.js";
import { graphOf } from "./graph.js";
import { encodeMessage } from "./messages.js";
import { eventRecord } from "./records.js";

type Trained = Pick<Solver, "net" | "parameter" | "tests">;

/** Numbers that name files which start in one second. */
let files = 0;

/**
 * A training as an event file of TensorBoard: scalars, histograms, pictures of the first convolution's filters, the graph and
 * hyperparameters. A file that cannot be written is reported once and tried again; training goes on.
 */
export class TensorBoardFile implements AsyncDisposable {
  readonly path: string;
  readonly #file: LogFile;
  readonly #solver: Trained;
  #pictures: Promise<void> = Promise.resolve();
  #ended = false;

  /** Begins a new file in a folder, which is made. Throws NetrunError if it cannot be opened. */
  constructor(folder: string, solver: Trained, warn: (warning: NetrunError) => void) {
    const seconds = Math.floor(Date.now() / 1000);
    this.path = join(folder, `events.out.tfevents.${seconds}.${hostname()}.${process.pid}.${files++}`);
    this.#file = new LogFile(this.path, warn);
    this.#solver = solver;
    this.#file.write(eventRecord({ file_version: "brain.Event:2" }, 0));
  }

  write(event: TrainEvent): void {
    const { iteration } = event;
    switch (event.kind) {
      case "start":
        this.#file.write(eventRecord({ graph_def: graphOf(this.#solver.net) }, iteration));
        this.#hparams(iteration, "experiment", { experiment: experimentOf(this.#solver) });
        this.#hparams(iteration, "session_start_info", { session_start_info: sessionOf(this.#solver) });
        break;
      case "iteration":
        this.#scalars(iteration, {
          "train/loss": event.loss,
          "train/smoothed loss": event.smoothedLoss,
          "train/lr": event.rate,
        });
        break;
      case "test":
        this.#scalars(iteration, scoresByName(event));
        break;
      case "round":
        this.#scalars(iteration, { "round/rows per second": event.imagesPerSecond });
        break;
      case "layer-statistics":
        this.#layers(event);
        break;
      case "memory":
        this.#scalars(iteration, {
          "memory/resident MiB": event.resident / 2 ** 20,
          ...(event.device !== undefined && { "memory/device MiB": event.device / 2 ** 20 }),
        });
        break;
      case "done":
        this.#end(iteration, SUCCESS);
    }
  }

  #layers({ iteration, parameters, activations }: LayerStatisticsEvent): void {
    const histograms: [string, Spread][] = [];
    const ratios: Record<string, number> = {};
    for (const each of parameters) {
      const name = parameterName(each);
      ratios[`ratio/${name}`] = each.ratio;
      for (const kind of ["values", "gradients", "updates"] as const) histograms.push([`${kind}/${name}`, each[kind]]);
    }
    for (const each of activations) histograms.push([`activations/${each.blob}`, each]);
    this.#scalars(iteration, ratios);
    this.#summary(
      iteration,
      histograms
        .filter(([, { counts }]) => counts.length > 0)
        .map(([tag, spread]) => ({ tag, histo: histogramOf(spread) })),
    );
    this.#picture(iteration);
  }

  /** The filters of the first layer that has some of one or three channels. */
  #picture(step: number): void {
    for (const [layer, [blob]] of this.#solver.net.params) {
      const [, channels, height = 1, width = 1] = blob?.shape ?? [];
      if (blob?.shape.length !== 4 || (channels !== 1 && channels !== 3) || height * width === 1) continue;
      const pixels = tiles(blob.data, blob.shape);
      const zoom = Math.max(1, Math.floor(256 / Math.max(pixels.width, pixels.height)));
      const write = async () => {
        const image = {
          height: pixels.height * zoom,
          width: pixels.width * zoom,
          colorspace: pixels.channels,
          encoded_image_string: await pngOf(pixels, zoom),
        };
        this.#summary(step, [{ tag: `filters/${layer}`, image }]);
      };
      this.#pictures = this.#pictures.then(write);
      return;
    }
  }

  #scalars(step: number, values: Readonly<Record<string, number>>): void {
    this.#summary(
      step,
      Object.entries(values).map(([tag, value]) => ({ tag, simple_value: value })),
    );
  }

  #hparams(step: number, tag: string, data: object): void {
    const content = encodeMessage("HParams", { version: 0, ...data });
    this.#summary(step, [{ tag: `_hparams_/${tag}`, metadata: { plugin_data: { plugin_name: "hparams", content } } }]);
  }

  #summary(step: number, value: readonly object[]): void {
    if (value.length > 0) this.#file.write(eventRecord({ summary: { value } }, step));
  }

  #end(step: number, status: number): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#hparams(step, "session_end_info", { session_end_info: { status, end_time_secs: Date.now() / 1000 } });
  }

  /** Ends the file; a training that did not say that it is done has failed. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pictures;
    this.#end(0, FAILURE);
    this.#file.close();
  }
}

const SUCCESS = 2;
const FAILURE = 3;

const scoresByName = (event: TestEvent): Record<string, number> =>
  Object.fromEntries(scoresOf(event).map(([name, value]) => [scoreName(event.net, name), value]));

type Spread = Pick<LayerStatisticsEvent["activations"][number], "min" | "max" | "mean" | "std" | "counts">;

/** TensorBoard's histogram: right edges of bins and counts, the first bin from -infinity on. */
function histogramOf({ min, max, mean, std, counts }: Spread): object {
  const num = counts.reduce((sum, count) => sum + count, 0);
  const width = (max - min) / counts.length;
  // All values alike would be a bin of no width, which it does not draw.
  const edges = counts.map((_, i) => (width > 0 ? min + (i + 1) * width : min + (i + 1) * Number.EPSILON));
  return {
    min,
    max,
    num,
    sum: mean * num,
    sum_squares: (std * std + mean * mean) * num,
    bucket_limit: [min, ...edges],
    bucket: [0, ...counts],
  };
}

/** Settings of a training, as hyperparameters. */
function settingsOf({ parameter, net }: Trained): Record<string, number | string> {
  const { type, lr_policy, base_lr, momentum, weight_decay, iter_size, max_iter, random_seed, regularization_type } =
    parameter;
  const batch = net.inputs.map((name) => net.shapes.get(name)?.[0]).find((rows) => rows !== undefined);
  return {
    type,
    lr_policy,
    base_lr: asWritten(base_lr),
    momentum: asWritten(momentum),
    weight_decay: asWritten(weight_decay),
    regularization_type,
    iter_size,
    max_iter,
    random_seed: Number(random_seed),
    ...(batch !== undefined && { batch_size: batch }),
    net: net.name,
  };
}

/** A float32 as a prototxt has it: 0.01, not 0.009999999776. */
const asWritten = (value: number): number => Number(value.toPrecision(7));

const STRING = 1;
const FLOAT64 = 3;

const experimentOf = (solver: Trained): object => ({
  name: solver.net.name,
  time_created_secs: Date.now() / 1000,
  hparam_infos: Object.entries(settingsOf(solver)).map(([name, value]) => ({
    name,
    type: typeof value === "number" ? FLOAT64 : STRING,
  })),
  metric_infos: [
    ...solver.tests.flatMap(({ outputs }, i) => outputs.map((output) => scoreName(i, output))),
    "train/smoothed loss",
  ].map((tag) => ({ name: { tag } })),
});

const sessionOf = (solver: Trained): object => ({
  hparams: Object.entries(settingsOf(solver)).map(([key, value]) => ({
    key,
    value: typeof value === "number" ? { number_value: value } : { string_value: value },
  })),
  start_time_secs: Date.now() / 1000,
});
