import { type LoadOptions, loadNet, loadSolver } from "../caffe/load.js";
import { amend } from "../caffe/message.js";
import type { NetParameter, SolverParameter } from "../caffe/messages.js";
import { replaceDataLayers, replaceDataLayersByShape } from "../net/replace-data.js";

/** A net from a prototxt file (or text), in today's format. */
function loadNetPrototxt(filename: string, options: LoadOptions = {}): NetParameter {
  return loadNet(filename, options).message;
}

/** A solver from a prototxt file (or text), in today's format. */
function loadSolverPrototxt(filename: string, options: LoadOptions = {}): SolverParameter {
  return loadSolver(filename, options).message;
}

/**
 * A solver from a file with this net in place of the one it names. Snapshots are named by `snapshotPath`; without one the solver
 * makes none.
 */
function loadSolverPrototxtWithNet(
  solverFilename: string,
  net: NetParameter,
  snapshotPath?: string | null,
  options: LoadOptions = {},
): SolverParameter {
  const snapshots = snapshotPath
    ? { snapshot_prefix: snapshotPath }
    : { snapshot: null, snapshot_prefix: null, snapshot_after_train: false };
  const nets = { net: null, train_net: null, train_net_param: null, net_param: net };
  return amend(loadSolverPrototxt(solverFilename, options), { ...snapshots, ...nets });
}

/** A solver and a net from a file each, as `loadSolverPrototxtWithNet`. */
function loadSolverWithNetPrototxt(
  solverFilename: string,
  netFilename: string,
  snapshotPath?: string | null,
  options: LoadOptions = {},
): SolverParameter {
  return loadSolverPrototxtWithNet(solverFilename, loadNetPrototxt(netFilename, options), snapshotPath, options);
}

/** SparkNet's way to load Caffe models. Every function throws NetrunError, located, for what is wrong with a file. */
export const ProtoLoader = {
  loadNetPrototxt,
  loadSolverPrototxt,
  loadSolverPrototxtWithNet,
  loadSolverWithNetPrototxt,
  replaceDataLayers,
  replaceDataLayersByShape,
} as const;
