import { basename } from "node:path";
import { filterNet, mergeStates } from "../caffe/filter.js";
import { type Loaded, loadNet } from "../caffe/load.js";
import { create } from "../caffe/message.js";
import { type Init, type NetParameter, Phase, type SolverParameter } from "../caffe/messages.js";
import type { LoadedNet } from "../caffe/solver-nets.js";
import type { DataChoice } from "../data/feed/net-feeds.js";
import type { NetrunError } from "../error.js";
import { bringsData } from "../layers/index.js";

/** The data of a training that the prototxt does not name. */
export interface SolverOfNetOptions {
  readonly data?: DataChoice["data"];
  readonly testData?: DataChoice["data"];
  /** True if fields that are unknown are errors. */
  readonly strict?: boolean | undefined;
}

/** The nets that solvers were made for: who loads such a solver finds its net loaded. */
const netsOfSolvers = new WeakMap<SolverParameter, LoadedNet>();

/** The net of a solver that `solverOfNet` made, as it was loaded for that. */
export const netOfSolver = (solver: SolverParameter): LoadedNet | undefined => netsOfSolvers.get(solver);

/**
 * A solver for the prototxt of a net that has none: `given` fields, the type's usual ones where they are absent. It tests where
 * there is data for that, all of it: data of its own, or data layers of phase TEST that `data` does not replace; or as `test_iter` says.
 * `Solver.load` takes it. Throws NetrunError, located, for what is wrong with the prototxt.
 */
export function solverOfNet(
  path: string,
  given: Init<SolverParameter> = {},
  { data, testData, strict = false }: SolverOfNetOptions = {},
): SolverParameter {
  const warnings: NetrunError[] = [];
  const loaded = loadNet(path, { strict, onWarning: (warning) => warnings.push(warning) });
  const isAsked = [given.test_iter ?? []].flat().length > 0;
  const tests = isAsked || testData !== undefined || (data === undefined && readsTestData(loaded));
  const settings = defaultSettings(given);
  const stem = basename(path).replace(/\.[^.]*$/, "");
  const solver = create("SolverParameter", {
    net: path,
    snapshot_prefix: `snapshots/${stem}`,
    ...settings,
    test_iter: given.test_iter ?? (tests ? [0] : []),
    test_interval: tests ? settings.test_interval! : 0,
  });
  netsOfSolvers.set(solver, { path, loaded, strict, warnings });
  return solver;
}

/** Tests whether a net has data layers that are there in tests. */
function readsTestData({ message }: Loaded<NetParameter>): boolean {
  const state = mergeStates(create("NetState", { phase: Phase.TEST }), message.state);
  return filterNet(message, state).layer.some(bringsData);
}

/** Fields of each solver type that its papers and Caffe's examples use. */
const TYPES: Readonly<Record<string, Init<SolverParameter>>> = {
  SGD: { base_lr: 0.01, momentum: 0.9 },
  Nesterov: { base_lr: 0.01, momentum: 0.9 },
  AdaGrad: { base_lr: 0.01 },
  RMSProp: { base_lr: 0.001, rms_decay: 0.98 },
  AdaDelta: { base_lr: 1, momentum: 0.95, delta: 1e-6 },
  Adam: { base_lr: 0.001, momentum: 0.9 },
  LBFGS: { base_lr: 1 },
  ConjugateGradient: { base_lr: 1 },
  LineGradientDescent: { base_lr: 1 },
};

/** Settings of a net without a solver, under those that the flags give. */
function defaultSettings(given: Init<SolverParameter>): Init<SolverParameter> {
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
