import {
  applyAll,
  constant,
  constantOf,
  count,
  float32,
  Input,
  input,
  inputName,
  isOp,
  labelled,
  rewrite,
  type TensorType,
  topological,
  type Value,
} from "../../graph/index.js";
import { sumsOf } from "../../net/gradient-sums.js";
import { type Layout, learns, type Segment, type Slot } from "../../net/layout.js";
import type { LoweredNet } from "../../net/lower.js";
import { ruleOf } from "../../optim/whole-batch.js";
import { update } from "../../optim/update.js";
import { add, div, gather, greater, Loop, mul, reduceSum, sqrt, where, zeros } from "../../ops/index.js";
import { formulated, type Target } from "../../targets/index.js";
import { type ByteRows, PLACE } from "../../data/feed/byte-rows.js";
import { endsOf, OBJECTIVE } from "../compiled-net.js";
import type { SolverPlan } from "../plan.js";
import { transformed } from "./transform.js";

/** Parts of a round of training. */
export interface RoundSpec {
  readonly net: LoweredNet;
  readonly layout: Layout;
  readonly solver: SolverPlan;
  /** Blobs whose values after the last iteration are given. */
  readonly blobs: readonly string[];
  /** The inputs of the net that come as rows of bytes, and how those become values. */
  readonly byteRows: ReadonlyMap<string, ByteRows>;
  /** True if the gradients of the last iteration are given. */
  readonly gradients: boolean;
  /** Most iterations of a round. */
  readonly most: number;
}

/** A round of training as one graph: so many iterations as its input `COUNT` says. */
export interface RoundGraph {
  readonly outputs: ReadonlyMap<string, Value>;
  /** Inputs and outputs with a row for each iteration, or for each batch. */
  readonly open: ReadonlySet<string>;
  /** The inputs that hold a row for each batch. */
  readonly stacks: readonly Stacked[];
  /** Blobs that are shown for every iteration; the others for the last. */
  readonly everyShown: ReadonlySet<string>;
}

/** An input of all batches of a round, and what one of them has of it. */
export interface Stacked {
  readonly name: string;
  readonly type: TensorType;
}

/** Floats of an output up to which every iteration's is given: a larger one is kept of the last iteration alone. */
const SMALL = 1024;

/** Names of a round's inputs and outputs. */
export const COUNT = "iterations";
export const OBJECTIVES = "objectives";
export const SQUARES = "squares";
/** Sums of each parameter's entries at the end: finite only if all entries are. */
export const WEIGHT_SUMS = "sums";
export const newName = (input: string): string => `new/${input}`;
export const historyName = (slot: number, key: string): string => `h${slot}:${key}`;
export const shownName = (blob: string): string => `shown:${blob}`;
export const gradientName = (key: string): string => `gradient:${key}`;
/** Learning rates of a segment, by its place among the layout's. */
export const rateName = (segment: number): string => `rate:${segment}`;
/** The input of a leaf of the net for all batches, and where its rows are cropped and mirrored if they are bytes. */
export const placesName = (leaf: string): string => `all:${leaf}/places`;
export const stackName = (leaf: string): string => `all:${leaf}`;

/** A value that one iteration hands to the next; `start` is undefined where it is fed. */
interface Carried {
  readonly name: string;
  /** Its counterpart in the body. */
  readonly leaf: Value;
  readonly next: Value;
  readonly start?: Value;
  readonly end: string;
}

/** Results of one forward and backward. */
interface Pass {
  readonly objective: Value;
  readonly gradients: ReadonlyMap<string, Value>;
  readonly states: ReadonlyMap<string, Value>;
  readonly carries: ReadonlyMap<string, Value>;
  readonly shown: ReadonlyMap<string, Value>;
}

/**
 * Builds a round: a loop whose body is a whole iteration, with weights, history, running statistics and recurrent state carried from one to
 * the next, so that on a device they stay there. A body takes its batches, random numbers and rates from the stacks of all by its number.
 */
export async function roundGraph(spec: RoundSpec, target: Target): Promise<RoundGraph> {
  const { net, solver, most } = spec;
  const stacks = [...net.inputs.values(), ...net.randoms].flatMap((leaf) => stacksOf(leaf, spec.byteRows));
  const batches = most * solver.iterSize;
  const rows: Rows = new Map(stacks.map(({ name, type }) => [name, input(name, stacked(batches, type))] as const));
  const iteration = input("iteration", { dtype: "int64", shape: [] });
  const pass = solver.iterSize === 1 ? passOf(spec, rows, iteration) : await summed(spec, target, rows, iteration);
  const rates = spec.layout.segments.map((_, i) => input(rateName(i), float32([most])));
  const rateAt = rates.map((each) => gather(each, iteration, 0));
  const isSmall = (value: Value) => count(value.type.shape) <= SMALL;
  const shown = [...pass.shown].filter(([, value]) => isSmall(value));
  const squares = solver.clipGradients >= 0 ? sumsOf([...pass.gradients.values()], "squares") : undefined;
  const large = new Map([...pass.shown].filter(([, value]) => !isSmall(value)));
  const carried = carriedBy(spec, { ...pass, shown: large }, rateAt, scaleOf(solver, squares));
  const scans: readonly (readonly [string, Value])[] = [
    [OBJECTIVES, pass.objective],
    ...(squares ? [[SQUARES, squares] as const] : []),
    ...shown.map(([name, value]) => [shownName(name), value] as const),
  ];
  const body = await closed(
    target,
    iteration,
    carried,
    scans.map(([, value]) => value),
  );
  const loop = applyAll(
    Loop,
    { iterations: most, isCounted: true, carried: carried.length, body: body.body },
    input(COUNT, { dtype: "int64", shape: [] }),
    ...carried.map(({ name, leaf, start }) => start ?? input(name, leaf.type)),
    ...body.captured.map((leaf) => input(inputName(leaf)!, leaf.type)),
  );
  const outputs = new Map(carried.map(({ end }, i) => [end, loop[i]!] as const));
  scans.forEach(([name], i) => {
    outputs.set(name, loop[carried.length + i]!);
  });
  const trained = trainedSlots(spec.layout).map(({ parameter }) => outputs.get(newName(`param:${parameter.key}`))!);
  if (trained.length > 0) outputs.set(WEIGHT_SUMS, sumsOf(trained, "entries"));
  const used = new Set(body.captured.map((leaf) => inputName(leaf)!));
  const isUsed = (value: Value) => used.has(inputName(value)!);
  const open = new Set([
    ...scans.map(([name]) => name),
    ...[...rows.values(), ...rates].filter(isUsed).map((v) => inputName(v)!),
  ]);
  return {
    outputs,
    open,
    stacks: stacks.filter(({ name }) => used.has(name)),
    everyShown: new Set(shown.map(([name]) => name)),
  };
}

/** Form in which a leaf is fed: its values, or bytes and places. */
function stacksOf(leaf: Value, byteRows: RoundSpec["byteRows"]): readonly Stacked[] {
  const name = inputName(leaf)!;
  const rows = byteRows.get(name);
  if (!rows) return [{ name: stackName(name), type: leaf.type }];
  const [n = 0] = leaf.type.shape;
  return [
    { name: stackName(name), type: { dtype: "uint8", shape: [n, ...rows.shape] } },
    { name: placesName(name), type: float32([n, PLACE]) },
  ];
}

/** The stacks by their names, as leaves of the body. */
type Rows = ReadonlyMap<string, Value>;

const stacked = (rows: number, { dtype, shape }: TensorType): TensorType => ({ dtype, shape: [rows, ...shape] });

/** The parameters that training changes. */
export const trainedSlots = ({ slots }: Layout): readonly Slot[] =>
  [...slots.values()].filter(({ parameter }) => learns(parameter));

/** The place of a parameter's segment among the layout's. */
export const segmentOf = (segments: readonly Segment[], { offset }: Slot): number =>
  segments.findIndex((each) => offset >= each.offset && offset < each.offset + each.length);

/** A forward and backward on row `index` of the stacks. */
function passOf({ net, blobs, byteRows }: RoundSpec, rows: Rows, index: Value): Pass {
  const { ends, outputs } = endsOf(net, { blobs, gradients: "trainable", objective: true });
  const rowOf = (leaf: Value): Value => {
    const name = inputName(leaf)!;
    const at = (stack: string) => gather(rows.get(stack)!, index, 0);
    const bytes = byteRows.get(name);
    if (!bytes) return at(stackName(name));
    return transformed(bytes, at(stackName(name)), at(placesName(name)), leaf.type.shape);
  };
  const at = new Map(
    [...net.inputs.values(), ...net.randoms].map((leaf) => {
      const name = inputName(leaf)!;
      return [name, labelled(name, () => rowOf(leaf))] as const;
    }),
  );
  const objective = outputs.get(OBJECTIVE) ?? constant(0);
  // What is fed and shown comes from the batches.
  const computed = [...ends.values()].filter(({ name, group }) => group !== "blobs" || !net.inputs.has(name));
  const become = rewrite([objective, ...computed.map(({ value }) => value)], (node) => {
    const row = isOp(node, Input) ? at.get(node.attrs.name) : undefined;
    return row && [row];
  });
  const of = (group: string) =>
    new Map(
      computed.filter((end) => end.group === group).map(({ name, value }) => [name, become.get(value)!] as const),
    );
  return {
    objective: become.get(objective)!,
    gradients: of("gradients"),
    states: of("states"),
    carries: of("carries"),
    shown: of("blobs"),
  };
}

/** The passes over an iteration's iter_size batches, their gradients summed: a loop in the loop. */
async function summed(spec: RoundSpec, target: Target, rows: Rows, iteration: Value): Promise<Pass> {
  const { iterSize } = spec.solver;
  const first = input("first", { dtype: "int64", shape: [] });
  const sub = input("sub", { dtype: "int64", shape: [] });
  const pass = passOf(spec, rows, add(first, sub));
  const leafOf = leaves(spec.net);
  const sums = [...pass.gradients].map(([key, value]) => {
    const leaf = input(`sum:${key}`, value.type);
    return { name: key, leaf, next: add(value, leaf), start: zeros(value.type.shape), end: key };
  });
  const states = [...pass.states].map(([key, next]) => fromLeaf(key, leafOf(`param:${key}`), next));
  const carries = [...pass.carries].map(([name, next]) => fromLeaf(name, leafOf(name), next));
  const shown = [...pass.shown].map(([name, next]) => fresh(name, next));
  const carried: readonly Carried[] = [...sums, ...states, ...carries, ...shown];
  const { body, captured } = await closed(target, sub, carried, [pass.objective]);
  const base = mul(iteration, constantOf("int64", BigInt64Array.of(BigInt(iterSize)), []));
  const outer = applyAll(
    Loop,
    { iterations: iterSize, carried: carried.length, body },
    ...carried.map(({ leaf, start }) => start ?? leaf),
    ...captured.map((leaf) => (leaf === first ? base : leaf)),
  );
  let at = 0;
  const ends = (of: readonly Carried[]) => new Map(of.map(({ end }) => [end, outer[at++]!] as const));
  return {
    gradients: ends(sums),
    states: ends(states),
    carries: ends(carries),
    shown: ends(shown),
    objective: outer[at]!,
  };
}

/** The leaves of a net's parameters and recurrent state, by name. */
function leaves({ parameters, carries }: LoweredNet): (name: string) => Value {
  const all = [...parameters.map(({ value }) => value), ...carries.keys()];
  const byName = new Map(all.map((leaf) => [inputName(leaf)!, leaf] as const));
  return (name) => byName.get(name)!;
}

const fromLeaf = (end: string, leaf: Value, next: Value): Carried => ({ name: inputName(leaf)!, leaf, next, end });

/**
 * A value of the last iteration alone, which starts as zeros. The body reads the one before: a device has an input that nothing reads
 * on its host, and would copy it down in every iteration.
 */
function fresh(end: string, next: Value): Carried {
  const leaf = input(`last:${end}`, next.type);
  const isNext = constantOf("bool", Uint8Array.of(1), []);
  return { name: end, leaf, next: where(isNext, next, leaf), start: zeros(next.type.shape), end };
}

/** All that an iteration hands to the next: trained parameters and their history, updated, and what the pass leaves. */
function carriedBy(
  { net, layout, solver, gradients }: RoundSpec,
  pass: Pass,
  rates: readonly Value[],
  scale: Value,
): readonly Carried[] {
  const leafOf = leaves(net);
  const rule = ruleOf(solver.rule);
  const settings = { rule, settings: solver.settings, regularization: solver.regularization };
  const updated = trainedSlots(layout).flatMap((slot) => {
    const { key, layer, value: w } = slot.parameter;
    const place = segmentOf(layout.segments, slot);
    const decay = constant(solver.weightDecay * layout.segments[place]!.decayMult);
    const h = Array.from({ length: rule.slots }, (_, i) => input(historyName(i, key), w.type));
    return labelled(`${layer}/update`, () => {
      const g = pass.gradients.get(key) ?? zeros(w.type.shape);
      const [next, ...history] = update(settings, { w, g, h, rate: rates[place]!, decay, scale });
      return [w, ...h].map((leaf, i) => fromLeaf(newName(inputName(leaf)!), leaf, [next!, ...history][i]!));
    });
  });
  const states = [...pass.states].map(([key, next]) => {
    const name = `param:${key}`;
    return fromLeaf(newName(name), leafOf(name), next);
  });
  const carries = [...pass.carries].map(([name, next]) => fromLeaf(newName(name), leafOf(name), next));
  const shown = [...pass.shown].map(([name, next]) => fresh(shownName(name), next));
  const last = gradients ? [...pass.gradients].map(([key, next]) => fresh(gradientName(key), next)) : [];
  return [...updated, ...states, ...carries, ...shown, ...last];
}

/** The factor of an iteration's gradients: 1/iter_size, and less where their norm is above clip_gradients. */
function scaleOf({ iterSize, clipGradients }: SolverPlan, squares: Value | undefined): Value {
  const mean = constant(1 / iterSize);
  if (!squares) return mean;
  const norm = sqrt(reduceSum(squares, [0]));
  const most = constant(clipGradients);
  return where(greater(norm, most), mul(mean, div(most, norm)), mean);
}

/** A body in a target's formulation, and the leaves that it takes from outside. */
async function closed(target: Target, iteration: Value, carried: readonly Carried[], scans: readonly Value[]) {
  const named = [...carried.map(({ next }) => next), ...scans].map((value, i) => [`${i}`, value] as const);
  const outputs = [...(await formulated(new Map(named), target)).values()];
  const own = new Set([iteration, ...carried.map(({ leaf }) => leaf)]);
  const captured = topological(outputs)
    .map((node) => node.outputs[0]!)
    .filter((value) => inputName(value) !== undefined && !own.has(value));
  return { body: { inputs: [...own, ...captured], outputs }, captured };
}
