import { countOrNone, countRange, type NumberRange } from "./number.js";
import type { Options } from "./option.js";

const GROUP = "Solver settings:";
const AMOUNT = { min: 0 } as const satisfies NumberRange;
const SHARE = { min: 0, max: 1 } as const satisfies NumberRange;

/** Fields of SolverParameter, in the file's place or where there is no file; named as in prototxts. */
export const SETTINGS = {
  type: {
    type: "string",
    group: GROUP,
    describe:
      "Solver type: SGD, Nesterov, AdaGrad, RMSProp, AdaDelta or Adam; for whole batches LBFGS, ConjugateGradient or LineGradientDescent",
  },
  base_lr: { type: "number", range: AMOUNT, group: GROUP, describe: "Initial learning rate" },
  lr_policy: {
    type: "string",
    group: GROUP,
    describe: "Learning rate policy: fixed, step, exp, inv, multistep, poly, sigmoid or plateau",
  },
  gamma: { type: "number", range: {}, group: GROUP, describe: "Factor of the policy" },
  power: { type: "number", range: {}, group: GROUP, describe: "Power of inv and poly" },
  stepsize: {
    type: "number",
    range: countRange("iterations"),
    group: GROUP,
    describe: "Iterations per step, or without progress (plateau)",
  },
  stepvalue: {
    type: "numbers",
    range: countOrNone("iterations"),
    group: GROUP,
    describe: "Iterations of the steps of multistep",
  },
  max_iter: { type: "number", range: countOrNone("iterations"), group: GROUP, describe: "Iterations to train" },
  momentum: { type: "number", range: SHARE, group: GROUP, describe: "Momentum (Adam's beta1)" },
  momentum2: { type: "number", range: SHARE, group: GROUP, describe: "Adam's beta2" },
  delta: {
    type: "number",
    range: AMOUNT,
    group: GROUP,
    describe: "Constant that prevents division by 0 in AdaGrad, RMSProp, AdaDelta and Adam",
  },
  rms_decay: { type: "number", range: SHARE, group: GROUP, describe: "RMSProp's decay" },
  weight_decay: { type: "number", range: AMOUNT, group: GROUP, describe: "Weight decay" },
  l1_decay: {
    type: "number",
    range: AMOUNT,
    group: GROUP,
    describe: "Decay by absolute values beside --weight-decay (L1 and L2 together)",
  },
  regularization_type: { type: "string", group: GROUP, describe: "Regularization: L1 or L2" },
  clip_gradients: { type: "number", range: {}, group: GROUP, describe: "Maximum norm of the gradients" },
  batch_iterations: {
    type: "number",
    range: countRange("iterations"),
    group: GROUP,
    describe: "Iterations on each batch before the next one is read (1)",
  },
  iter_size: { type: "number", range: countRange("batches"), group: GROUP, describe: "Batches per update" },
  test_iter: {
    type: "numbers",
    range: countOrNone("batches"),
    group: GROUP,
    describe: "Batches per test; 0 for all of the data",
  },
  test_interval: {
    type: "number",
    range: countOrNone("iterations"),
    group: GROUP,
    describe: "Iterations between tests",
  },
  test_initialization: { type: "boolean", group: GROUP, describe: "Test before the first iteration" },
  test_compute_loss: { type: "boolean", group: GROUP, describe: "Show the loss of tests" },
  display: {
    type: "number",
    range: countOrNone("iterations"),
    group: GROUP,
    describe: "Iterations between log lines",
  },
  average_loss: {
    type: "number",
    range: countRange("iterations"),
    group: GROUP,
    describe: "Iterations to average the displayed loss over",
  },
  snapshot_prefix: { type: "string", group: GROUP, describe: "Path prefix of snapshots" },
  snapshot_diff: { type: "boolean", group: GROUP, describe: "Write gradients to snapshots" },
  snapshot_after_train: { type: "boolean", group: GROUP, describe: "Take a snapshot at the end" },
  random_seed: {
    type: "number",
    range: { whole: true, min: -1, max: Number.MAX_SAFE_INTEGER },
    group: GROUP,
    describe: "Seed of fillers, random layers and data",
  },
  debug_info: {
    type: "boolean",
    group: GROUP,
    describe: "Log mean absolute values of blobs with the loss",
  },
  // `--snapshot` is a file, as in Caffe.
  snapshot_interval: {
    type: "number",
    range: countOrNone("iterations"),
    api: "snapshot",
    group: GROUP,
    describe: "Iterations between snapshots",
  },
  snapshot_format: {
    type: "choice",
    choices: ["BINARYPROTO", "HDF5"],
    group: GROUP,
    describe: "Format of snapshots",
  },
} as const satisfies Options;
