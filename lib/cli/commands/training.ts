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
  model: { type: "string", positional: "[model]", describe: "Prototxt of a solver or a net" },
  solver: { type: "string", describe: "Prototxt of a solver or a net, as in Caffe" },
  weights: { type: "names", describe: "Weights to start from: FILE[,FILE...]" },
  snapshot: { type: "string", describe: ".solverstate to resume from" },
  run: {
    type: "string",
    describe: "Name of a folder to store the run in: solver, net, events, snapshots, best weights",
  },
  runs: { type: "string", default: "runs", describe: "Folder of all runs" },
  resume: { type: "boolean", default: false, describe: "Resume --run from its newest valid snapshot" },
  ...TRAINING,
  ...GRADIENTS,
  ...COURSE,
  logJson: { type: "string", describe: "File for events, one JSON object per line" },
  logCsv: { type: "string", describe: "File for losses, rates and scores as CSV" },
  tensorboard: { type: "string", describe: "Folder for TensorBoard event files" },
  dashboard: {
    type: "text-or-flag",
    describe: "Serve a page that shows and controls the training, on this machine only: --dashboard[=PORT]",
  },
  sigintEffect: { type: "choice", choices: EFFECTS, default: "stop", describe: "Effect of SIGINT" },
  sighupEffect: { type: "choice", choices: EFFECTS, default: "snapshot", describe: "Effect of SIGHUP" },
  ...RUN,
  ...DATA,
  ...PARALLEL,
  ...CLUSTER,
  ...SETTINGS,
  json: { ...JSON_OUTPUT.json, describe: "Print events as JSON, one per line, instead of the log" },
} as const satisfies Options;

/** `netrun pretrain SOLVER -o weights.caffemodel`: trains the layers one after another, as a start for `netrun train`. */
export const PRETRAIN = {
  solver: { type: "string", positional: "<solver>", describe: "Prototxt of the solver" },
  ...PRETRAINING,
  weights: { type: "names", describe: "Weights of layers that are not pretrained: FILE[,FILE...]" },
  seed: { type: "number", range: SEED, describe: "Seed of fillers and samples, instead of the solver's" },
  output: { ...OUTPUT, default: "pretrained.caffemodel", describe: "Weights file to write" },
  picture: { type: "string", api: false, describe: "PNG to write, of data, reconstructions, samples and weights" },
  ...RUN,
  ...DATA,
  json: { ...JSON_OUTPUT.json, describe: "Print events as JSON, one per line" },
} as const satisfies Options;

/** `netrun runs [DIR]`: lists the runs that trainings were kept in. */
export const RUNS = {
  runs: { type: "string", positional: "[runs]", default: "runs", describe: "Folder of all runs" },
  ...JSON_OUTPUT,
} as const satisfies Options;

/** `netrun dashboard [RUNS...]`: a page that shows runs. */
export const DASHBOARD = {
  runs: {
    type: "strings",
    positional: "[runs..]",
    describe: "Folders of runs, of all runs (runs) or of a sweep, or JSON logs",
  },
  port: { type: "number", range: PORT, default: 0, describe: "Port; 0 for a free one" },
  ...JSON_OUTPUT,
} as const satisfies Options;

/** `netrun plot LOG... -o plot.svg`: losses, scores and learning rates of runs, overlaid. */
export const PLOT = {
  logs: {
    type: "strings",
    positional: "<logs..>",
    describe: "Folders of runs, files of --log-json or --log-csv, or printed logs",
  },
  output: { ...OUTPUT, required: true, describe: "Picture to write: .svg or .png" },
  x: { type: "choice", choices: ["iteration", "time"], default: "iteration", describe: "Horizontal axis" },
  logX: { type: "boolean", default: false, describe: "Use a logarithmic horizontal axis" },
  logY: { type: "boolean", default: false, describe: "Use logarithmic axes for losses and learning rates" },
  ...JSON_OUTPUT,
} as const satisfies Options;

/** `netrun sweep SOLVER --grid FIELD=A,B --random FIELD=log:A..B --metric NAME`: trains with many settings, and tells the best. */
export const SWEEP = {
  solver: { type: "string", positional: "<solver>", describe: "Prototxt of the solver" },
  grid: {
    type: "strings",
    api: false,
    describe: "Values of a field, for all combinations: base_lr=0.1,0.01 or net.layer.NAME.FIELD=A,B",
  },
  random: {
    type: "strings",
    api: false,
    describe: "Field to draw at random: FIELD=FROM..TO, log:FROM..TO or int:FROM..TO",
  },
  metric: { type: "string", required: true, describe: "Test output to select the best run by: NAME[:min|:max]" },
  maxRuns: { type: "number", range: countRange("runs"), describe: "Number of runs" },
  maxTime: COURSE.maxTime,
  firstIterations: {
    type: "number",
    range: countRange("iterations"),
    describe: "Iterations before the first comparison, which stops the worse runs (ASHA)",
  },
  reduction: {
    type: "number",
    range: { whole: true, min: 2 },
    describe: "Reduction at each comparison: one of N runs continues (default 3)",
  },
  medianStop: {
    type: "number",
    range: countRange("iterations"),
    describe:
      "Iterations after which a run stops at a test where its best score is worse than the median of the other runs",
  },
  folds: {
    type: "number",
    range: { whole: true, min: 2, max: 1000, unit: "folds" },
    describe:
      "Number of cross-validation folds: each setting is trained N times, tested on another part of the rows each time, and scored by the mean",
  },
  workers: {
    type: "number",
    range: countRange("runs"),
    describe: "Runs at the same time, one process each (default 1)",
  },
  seed: { type: "number", range: SEED, describe: "Seed of the draws (default 1)" },
  output: { ...OUTPUT, default: "sweep", describe: "Folder of the sweep; an existing one is resumed" },
  ...SESSION,
  ...DATA,
  testData: TRAINING.testData,
  testBatchSize: TRAINING.testBatchSize,
  ...CLUSTER,
  master: {
    ...CLUSTER.master,
    describe: "Train runs on a Spark cluster, a task each: spark://HOST:7077, local[N], ...",
  },
  ...JSON_OUTPUT,
} as const satisfies Options;
