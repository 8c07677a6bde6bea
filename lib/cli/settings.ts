import type { Init, SolverParameter } from "../caffe/messages.js";
import { SolverParameter_SnapshotFormat as Format } from "../caffe/messages.js";
import { type Args, apiOf } from "../options/option.js";
import { SETTINGS } from "../options/settings.js";

/** The fields that the flags set. */
export function settingsOf(args: Args<typeof SETTINGS>): Init<SolverParameter> {
  const { snapshot_format: format, ...fields } = apiOf(SETTINGS, args);
  return { ...fields, ...(format !== undefined && { snapshot_format: Format[format] }) };
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
