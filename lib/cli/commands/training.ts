import { CLUSTER } from "../../options/cluster.js";
import { DATA } from "../../options/data.js";
import { countRange, SEED } from "../../options/number.js";
import type { Options } from "../../options/option.js";
import { PARALLEL } from "../../options/parallel.js";
import { PRETRAINING } from "../../options/pretraining.js";
import { GRADIENTS, RUN, SESSION } from "../../options/run.js";
import { SETTINGS } from "../../options/settings.js";
import { COURSE, TRAINING } from "../../options/training.js";
import { JSON_OUTPUT, OUTPUT } from "./command.js";

/** Ports of a server; 0 takes a free one. */
export const PORT = { whole: true, min: 0, max: 65535 } as const;

const EFFECTS = ["stop", "snapshot", "none"] as const;

/** `netrun train SOLVER.prototxt` or `NET.prototxt`: trains to max_iter, with a live line, tests and snapshots. */
export const TRAIN = {
  model: { type: "string", positional: "[model]", describe: "The prototxt of a solver, or of a net" },
  solver: { type: "string", describe: "The same, as Caffe's flag" },
  weights: { type: "names", describe: "Weights to start from: FILE[,FILE...]" },
  snapshot: { type: "string", describe: "A .solverstate to go on from" },
  run: {
    type: "string",
    describe: "Keep the run in a folder of this name: solver, net, events, snapshots, best weights",
  },
  runs: { type: "string", default: "runs", describe: "The folder of all runs" },
  resume: { type: "boolean", default: false, describe: "Go on with --run from its newest good snapshot" },
  ...TRAINING,
  ...GRADIENTS,
  ...COURSE,
  logJson: { type: "string", describe: "Log events to a file, a JSON object each" },
  logCsv: { type: "string", describe: "Log losses, rates and scores to a file" },
  tensorboard: { type: "string", describe: "Write event files of TensorBoard to a folder" },
  dashboard: {
    type: "text-or-flag",
    describe: "Serve a page that shows and controls the training, on this machine alone: --dashboard[=PORT]",
  },
  sigintEffect: { type: "choice", choices: EFFECTS, default: "stop", describe: "Effect of SIGINT" },
  sighupEffect: { type: "choice", choices: EFFECTS, default: "snapshot", describe: "Effect of SIGHUP" },
  ...RUN,
  ...DATA,
  ...PARALLEL,
  ...CLUSTER,
  ...SETTINGS,
  json: { ...JSON_OUTPUT.json, describe: "Print events as JSON, one a line, in place of the log" },
} as const satisfies Options;

/** `netrun pretrain SOLVER -o weights.caffemodel`: trains the layers one after another, as a start for `netrun train`. */
export const PRETRAIN = {
  solver: { type: "string", positional: "<solver>", describe: "The solver's prototxt" },
  ...PRETRAINING,
  weights: { type: "names", describe: "Weights of layers that are not pretrained: FILE[,FILE...]" },
  seed: { type: "number", range: SEED, describe: "Seed of fillers and samples, in place of the solver's" },
  output: { ...OUTPUT, default: "pretrained.caffemodel", describe: "The weights to write" },
  picture: { type: "string", api: false, describe: "A PNG of data, reconstructions, samples and weights to write" },
  ...RUN,
  ...DATA,
  json: { ...JSON_OUTPUT.json, describe: "Print events as JSON, one a line" },
} as const satisfies Options;

/** `netrun runs [DIR]`: lists the runs that trainings were kept in. */
export const RUNS = {
  runs: { type: "string", positional: "[runs]", default: "runs", describe: "The folder of all runs" },
  ...JSON_OUTPUT,
} as const satisfies Options;

/** `netrun dashboard [RUNS...]`: a page that shows runs. */
export const DASHBOARD = {
  runs: { type: "strings", positional: "[runs..]", describe: "Folders of runs, or of all runs (runs), or JSON logs" },
  port: { type: "number", range: PORT, default: 0, describe: "The port to serve it on (0: a free one)" },
  ...JSON_OUTPUT,
} as const satisfies Options;

/** `netrun plot LOG... -o plot.svg`: losses, scores and learning rates of runs, overlaid. */
export const PLOT = {
  logs: {
    type: "strings",
    positional: "<logs..>",
    describe: "Folders of runs, files of --log-json or --log-csv, or printed logs",
  },
  output: { ...OUTPUT, required: true, describe: "The picture to write: .svg or .png" },
  x: { type: "choice", choices: ["iteration", "time"], default: "iteration", describe: "The horizontal axis" },
  logX: { type: "boolean", default: false, describe: "The horizontal axis is logarithmic" },
  logY: { type: "boolean", default: false, describe: "The axes of losses and learning rates are logarithmic" },
  ...JSON_OUTPUT,
} as const satisfies Options;

/** `netrun sweep SOLVER --grid FIELD=A,B --random FIELD=log:A..B --metric NAME`: trains with many settings, and tells the best. */
export const SWEEP = {
  solver: { type: "string", positional: "<solver>", describe: "The solver's prototxt" },
  grid: {
    type: "strings",
    api: false,
    describe: "Values of a field, all combinations: base_lr=0.1,0.01 or net.layer.NAME.FIELD=A,B",
  },
  random: {
    type: "strings",
    api: false,
    describe: "A field to draw: FIELD=FROM..TO, log:FROM..TO or int:FROM..TO",
  },
  metric: { type: "string", required: true, describe: "The output of tests to choose by: NAME[:min|:max]" },
  maxRuns: { type: "number", range: countRange("runs"), describe: "Runs" },
  maxTime: COURSE.maxTime,
  firstIterations: {
    type: "number",
    range: countRange("iterations"),
    describe: "Compare runs after so many iterations; the worse ones end there (ASHA)",
  },
  reduction: {
    type: "number",
    range: { whole: true, min: 2 },
    describe: "One of so many goes on from each comparison (3)",
  },
  folds: {
    type: "number",
    range: { whole: true, min: 2, max: 1000, unit: "folds" },
    describe: "Train each setting so many times, tested on another part of the rows each time; the mean counts",
  },
  workers: { type: "number", range: countRange("runs"), describe: "Runs at the same time, a process each (1)" },
  seed: { type: "number", range: SEED, describe: "Seed of what is drawn (1)" },
  output: { ...OUTPUT, default: "sweep", describe: "The sweep's folder; one that is there goes on" },
  ...SESSION,
  ...DATA,
  testData: TRAINING.testData,
  testBatchSize: TRAINING.testBatchSize,
  ...JSON_OUTPUT,
} as const satisfies Options;
