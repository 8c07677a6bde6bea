import type { Init, SolverParameter } from "../caffe/messages.js";
import { SolverParameter_SnapshotFormat as Format } from "../caffe/messages.js";

/** Flags that set a field of SolverParameter, in the file's place or where there is no file. */
const FLAGS = {
  type: { type: "string", describe: "SGD, Nesterov, AdaGrad, RMSProp, AdaDelta or Adam" },
  base_lr: { type: "number", describe: "Learning rate at the start" },
  lr_policy: { type: "string", describe: "fixed, step, exp, inv, multistep, poly, sigmoid or plateau" },
  gamma: { type: "number", describe: "Factor of the policy" },
  power: { type: "number", describe: "Power of inv and poly" },
  stepsize: { type: "number", describe: "Iterations of a step, or without progress (plateau)" },
  stepvalue: { type: "number", array: true, describe: "Iterations at which multistep steps" },
  max_iter: { type: "number", describe: "Iterations to train" },
  momentum: { type: "number", describe: "Momentum (Adam's beta1)" },
  momentum2: { type: "number", describe: "Adam's beta2" },
  delta: { type: "number", describe: "Keeps AdaGrad, RMSProp, AdaDelta and Adam from dividing by 0" },
  rms_decay: { type: "number", describe: "RMSProp's decay" },
  weight_decay: { type: "number", describe: "Weight decay" },
  regularization_type: { type: "string", describe: "L1 or L2" },
  clip_gradients: { type: "number", describe: "Greatest norm of the gradients" },
  iter_size: { type: "number", describe: "Batches of an update" },
  test_iter: { type: "number", array: true, describe: "Batches of a test; 0 for all of the data" },
  test_interval: { type: "number", describe: "Iterations between tests" },
  test_initialization: { type: "boolean", describe: "Test before the first iteration" },
  test_compute_loss: { type: "boolean", describe: "Show the loss of tests" },
  display: { type: "number", describe: "Iterations between lines of the log" },
  average_loss: { type: "number", describe: "Iterations that the shown loss is the mean of" },
  snapshot_prefix: { type: "string", describe: "Path that names of snapshots start with" },
  snapshot_diff: { type: "boolean", describe: "Gradients in snapshots" },
  snapshot_after_train: { type: "boolean", describe: "A snapshot at the end" },
  random_seed: { type: "number", describe: "Seed of fillers, random layers and data" },
  debug_info: { type: "boolean", describe: "Mean absolute values of blobs where the loss is shown" },
} as const satisfies Partial<
  Record<keyof SolverParameter, { type: "string" | "number" | "boolean"; array?: true; describe: string }>
>;

const GROUP = "Solver settings:";

/** The flags for yargs: fields with dashes, and `snapshot`, whose flag is a file in Caffe, as two others. */
export const SETTING_FLAGS = {
  ...Object.fromEntries(Object.entries(FLAGS).map(([field, flag]) => [dashed(field), { ...flag, group: GROUP }])),
  "snapshot-interval": { type: "number", describe: "Iterations between snapshots", group: GROUP },
  "snapshot-format": { choices: ["BINARYPROTO", "HDF5"], describe: "Format of snapshots", group: GROUP },
} as const;

function dashed(field: string): string {
  return field.replaceAll("_", "-");
}

/** The fields that the flags set. */
export function settingsOf(args: Readonly<Record<string, unknown>>): Init<SolverParameter> {
  const given = Object.keys(FLAGS)
    .map((field) => [field, args[dashed(field)]] as const)
    .filter(([, value]) => value !== undefined);
  const interval = args["snapshot-interval"] as number | undefined;
  const format = args["snapshot-format"] as keyof typeof Format | undefined;
  return {
    ...Object.fromEntries(given),
    ...(interval !== undefined && { snapshot: interval }),
    ...(format !== undefined && { snapshot_format: Format[format] }),
  };
}

/** Fields of each solver type that its papers and Caffe's examples use. */
const TYPES: Readonly<Record<string, Init<SolverParameter>>> = {
  SGD: { base_lr: 0.01, momentum: 0.9 },
  Nesterov: { base_lr: 0.01, momentum: 0.9 },
  AdaGrad: { base_lr: 0.01 },
  RMSProp: { base_lr: 0.001, rms_decay: 0.98 },
  AdaDelta: { base_lr: 1, momentum: 0.95, delta: 1e-6 },
  Adam: { base_lr: 0.001, momentum: 0.9 },
};

/** Settings of a net without a solver, under those that the flags give. */
export function defaultSettings(given: Init<SolverParameter>): Init<SolverParameter> {
  const { type = "SGD", lr_policy = "fixed", max_iter = 1000 } = given;
  const policies: Readonly<Record<string, Init<SolverParameter>>> = {
    step: { gamma: 0.1, stepsize: Math.max(1, Math.ceil(max_iter! / 3)) },
    exp: { gamma: 0.999 },
    inv: { gamma: 0.0001, power: 0.75 },
    multistep: { gamma: 0.1, stepvalue: [Math.ceil(max_iter! / 2), Math.ceil((max_iter! * 3) / 4)] },
    poly: { power: 1 },
    sigmoid: { gamma: 0.01, stepsize: Math.max(1, Math.ceil(max_iter! / 2)) },
    plateau: { gamma: 0.1, stepsize: Math.max(1, Math.ceil(max_iter! / 10)) },
  };
  return {
    ...TYPES[type!],
    lr_policy: lr_policy!,
    ...policies[lr_policy!],
    weight_decay: 0.0005,
    max_iter: max_iter!,
    display: 100,
    average_loss: 20,
    test_interval: 500,
    ...given,
  };
}
