import { float32, input, inputName, labelled, type TensorType, type Value } from "../../graph/index.js";
import type { Layout } from "../../net/layout.js";
import type { LoweredNet } from "../../net/lower.js";
import { emit } from "../../onnx/emit.js";
import { openResident, type ResidentSession } from "../../onnx/resident.js";
import type { SessionOptions } from "../../onnx/session.js";
import { targetOf } from "../../onnx/target-of.js";
import { zeros } from "../../ops/index.js";
import { ruleOf } from "../../optim/whole-batch.js";
import { update } from "../../optim/update.js";
import { formulated, type GraphOutputs } from "../../targets/index.js";
import { type End, endsOf, OBJECTIVE, SUMS, sumName } from "../compiled-net.js";
import { historyName, newName, rateName, segmentOf, trainedSlots } from "../loop/graph.js";
import type { SolverPlan } from "../plan.js";
import { Transfer } from "./transfer.js";

/** Parts of a step's models. */
export interface ModelSpec {
  readonly net: LoweredNet;
  readonly layout: Layout;
  readonly solver: SolverPlan;
  /** Blobs whose values are read after each forward. */
  readonly blobs: readonly string[];
}

/** The gradients of a batch, and where its results are among the model's outputs. */
export interface GradientModel extends AsyncDisposable {
  readonly session: ResidentSession;
  readonly ends: readonly (readonly [output: string, end: End])[];
}

/** Names of inputs of the update. */
export const SCALE = "scale";
export const gradientInput = (key: string): string => `gradient:${key}`;
export const decayName = (segment: number): string => `decay:${segment}`;

/** The model of a forward and backward: the objective, the sums that show whether all is finite, and blobs are read, the rest stays. */
export async function openGradients(
  { net, solver, blobs }: ModelSpec,
  options: SessionOptions,
): Promise<GradientModel> {
  const sum = solver.clipGradients >= 0 ? "squares" : "entries";
  const accumulate = solver.iterSize > 1;
  const { ends, outputs } = endsOf(net, { blobs, gradients: "trainable", objective: true, sum, accumulate });
  const read = [...ends].filter(([, { group }]) => group === "blobs").map(([name]) => name);
  const session = await openModel("gradients", outputs, options, new Set([OBJECTIVE, SUMS, ...read]));
  return {
    session,
    ends: [...ends].filter(([name]) => outputs.has(name)),
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}

/** The model of an update of all trained parameters, which have a gradient each of `keys`, and of their history; nothing is read. */
export function openUpdate(
  { layout, solver }: ModelSpec,
  keys: ReadonlySet<string>,
  options: SessionOptions,
): Promise<ResidentSession> {
  const rule = ruleOf(solver.rule);
  const settings = { rule, settings: solver.settings, regularization: solver.regularization };
  const scalar = (name: string) => input(name, float32([1]));
  const scalars = layout.segments.map((_, i) => ({ rate: scalar(rateName(i)), decay: scalar(decayName(i)) }));
  const scale = scalar(SCALE);
  const outputs = new Map<string, Value>();
  for (const slot of trainedSlots(layout)) {
    const { key, layer, value: w } = slot.parameter;
    const h = Array.from({ length: rule.slots }, (_, i) => input(historyName(i, key), w.type));
    const g = keys.has(key) ? input(gradientInput(key), w.type) : zeros(w.type.shape);
    const { rate, decay } = scalars[segmentOf(layout.segments, slot)]!;
    const next = labelled(`${layer}/update`, () => update(settings, { w, g, h, rate, decay, scale }));
    [w, ...h].forEach((leaf, i) => {
      outputs.set(newName(inputName(leaf)!), next[i]!);
    });
  }
  return openModel("update", outputs, options, new Set());
}

async function openModel(
  name: string,
  outputs: GraphOutputs,
  options: SessionOptions,
  toCpu: ReadonlySet<string>,
): Promise<ResidentSession> {
  const graph = await formulated(outputs, await targetOf(options));
  return openResident(emit({ name, outputs: graph }), options, toCpu);
}

/** Transfers between GPU and host between rounds. */
export interface Transfers {
  /** All parameters, and the history of those that are trained. */
  readonly state: Transfer;
  /** Changed part of that. */
  readonly changed: Transfer;
  readonly carries: Transfer;
  readonly gradients: Transfer;
  /** Start of sums of gradients. */
  readonly sums: Transfer;
}

/** Transfers of a net's tensors; `ends` are those of its gradients. */
export function openTransfers(
  { net, layout, solver }: ModelSpec,
  ends: GradientModel["ends"],
  options: SessionOptions,
): Transfers {
  const history = trainedSlots(layout).flatMap(({ parameter: { key, value } }) =>
    Array.from({ length: ruleOf(solver.rule).slots }, (_, i) => [historyName(i, key), value.type] as const),
  );
  const trained = trainedSlots(layout).map(({ parameter: { key, value } }) => [`param:${key}`, value.type] as const);
  const states = ends.flatMap(([, { group, name, value }]) =>
    group === "states" ? [[`param:${name}`, value.type] as const] : [],
  );
  const gradients = ends.flatMap(([, { group, name, value }]) =>
    group === "gradients" ? [[name, value.type] as const] : [],
  );
  const transfer = (types: readonly (readonly [string, TensorType])[]) => new Transfer(new Map(types), options);
  return {
    state: transfer([
      ...[...layout.slots.values()].map(({ parameter: { key, value } }) => [`param:${key}`, value.type] as const),
      ...history,
    ]),
    changed: transfer([...trained, ...states, ...history]),
    carries: transfer([...net.carries.keys()].map((leaf) => [inputName(leaf)!, leaf.type] as const)),
    gradients: transfer(gradients),
    sums: transfer(gradients.map(([key, type]) => [sumName(key), type] as const)),
  };
}
