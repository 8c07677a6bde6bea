import { encode } from "../caffe/message.js";
import { SolverParameter_SnapshotFormat as Format } from "../caffe/messages.js";
import { readSolverState } from "../caffe/solver-state.js";
import type { ReplicaStates } from "../engine/engine.js";
import { vectorsOf } from "../engine/state.js";
import type { NetrunError } from "../error.js";
import type { RateState } from "../optim/rate.js";
import { slotsOf } from "../optim/whole-batch.js";
import { blobsByLayer, copyTrainedLayers } from "../run/weights.js";
import type { SolverParts } from "./load-solver.js";
import { commonHistory, hasReplicaFile, restoreReplicas, sideReplicas } from "./replica-file.js";
import { type Best, checkPlaces, readSideState } from "./side-state.js";
import {
  checkStateCounts,
  decodeArrays,
  encodeArrays,
  lostState,
  readModel,
  restoreHistory,
  snapshotPaths,
  storeHistory,
} from "./snapshot.js";
import type { Checkpoint } from "./write-checkpoint.js";

/** The state of a training besides its weights: all that the next iteration depends on. */
export interface TrainingState {
  /** Updates done. */
  readonly iteration: number;
  readonly replicas: ReplicaStates;
  /** The learning rate's state after the last update. */
  readonly rate: RateState;
  /** The last losses, whose mean is the smoothed loss. */
  readonly losses: readonly number[];
  /** Best scores of tests so far, by metric. */
  readonly best: Readonly<Record<string, Best>>;
  /** Records consumed of each data layer of each test net. */
  readonly testPositions: readonly (readonly number[])[];
}

/** A training's checkpoint. The replicas' states are taken over, weights are copied. */
export function checkpointOf(
  prefix: string,
  { parameter, net, weights, seed, rule }: SolverParts,
  { iteration, replicas, rate, losses, best, testPositions }: TrainingState,
): Checkpoint {
  const format = parameter.snapshot_format === Format.HDF5 ? "HDF5" : "BINARYPROTO";
  const { positions, carries } = replicas[0]!;
  const paths = snapshotPaths(prefix, iteration, format);
  const data = weights.data.slice();
  const diff = parameter.snapshot_diff ? weights.diff.slice() : undefined;
  const layers = [...blobsByLayer({ ...weights, data, diff: diff ?? weights.diff })];
  const history = commonHistory(replicas);
  const vectors = [data, ...(diff ? [diff] : []), ...history, ...replicas.flatMap(vectorsOf)];
  return {
    paths,
    format,
    net: encode(net.parameter),
    weights: new Map(
      layers.map(([layer, blobs]) => [layer, blobs.map((blob) => ({ ...blob, diff: diff && blob.diff }))]),
    ),
    state: {
      iter: iteration,
      learned_net: paths.model,
      // Caffe looks at its steps when it updates: what the last update saw.
      current_step: iteration > 0 ? rate.step : 0,
      history: storeHistory(weights.layout, history),
    },
    side: {
      iteration,
      seed,
      type: rule,
      positions,
      testPositions,
      ...(hasReplicaFile(replicas) && { replicas: sideReplicas(replicas) }),
      losses,
      rate,
      best,
      ...(carries && { carries: encodeArrays(carries) }),
    },
    replicas: hasReplicaFile(replicas) ? replicas : undefined,
    buffers: [...new Set(vectors.map(({ buffer }) => buffer as ArrayBuffer))],
  };
}

/** A snapshot as it was read and checked, to be taken over whole. */
export interface FoundState extends Omit<TrainingState, "rate"> {
  /** All parameters, by the layout of the train net. */
  readonly weights: Float32Array;
  /** Of Caffe's snapshots its steps alone are known. */
  readonly rate: RateState | { readonly step: number };
  /** Warnings of what the snapshot could not bring back. */
  readonly warnings: readonly NetrunError[];
}

/** Reads a snapshot by its solverstate, changing nothing. Throws NetrunError if a file of it is missing, damaged or of another one. */
export async function readCheckpoint(path: string, parts: SolverParts): Promise<FoundState> {
  const { weights: current, rule, feedRows, plan, engine, seed } = parts;
  const { layout } = current;
  const state = await readSolverState(path);
  checkStateCounts(path, state);
  const side = readSideState(path, state.iter);
  if (side) checkPlaces(path, side, [feedRows.length, ...plan.tests.map(({ feeds }) => feeds.length)]);
  const history = Array.from({ length: slotsOf(rule) }, () => new Float32Array(layout.trainable));
  restoreHistory(layout, history, state.history, path);
  const model = await readModel(path, state.learned_net, side?.files?.model);
  const weights = { ...current, data: current.data.slice() };
  const copied = model && copyTrainedLayers(weights, model.weights, model.path);
  const missing = copied ? [...blobsByLayer(current).keys()].filter((layer) => !copied.includes(layer)) : [];
  const warnings: NetrunError[] = [];
  const one = {
    history,
    positions:
      side?.positions ?? feedRows.map((rows) => Math.floor(state.iter / (plan.solver.batchIterations ?? 1)) * rows),
    carries: decodeArrays(side?.carries ?? {}),
  };
  const replicas = restoreReplicas(path, one, {
    count: engine.replicas,
    side,
    length: layout.length,
    warn: (warning) => warnings.push(warning),
  });
  return {
    iteration: state.iter,
    weights: weights.data,
    replicas,
    rate: side?.rate ?? { step: state.current_step },
    losses: side?.losses ?? [],
    best: side?.best ?? {},
    testPositions: side?.testPositions ?? [],
    warnings: [...warnings, ...lostState(path, { side, seed, rule, model, missing })],
  };
}
