import { everyNode, type Op, type Value } from "../graph/index.js";

/** A graph by the names of its outputs. */
export type GraphOutputs = ReadonlyMap<string, Value>;

/** Outputs of a graph, and names of values inside it. */
export interface NamedGraph {
  readonly outputs: GraphOutputs;
  readonly blobs: GraphOutputs;
}

/** New values by old ones: those of a pass's outputs at least, and of values inside as far as they are still there. */
export type Become = ReadonlyMap<Value, Value>;

/**
 * A named rewriting of a whole graph, given by its outputs, which computes the same. `context` is what the passes of a target need
 * beside the graph; most need nothing.
 */
export interface Pass<C = unknown> {
  readonly name: string;
  /** Ops that it is about: it changes no graph that has none of them, and is skipped there. Without it, it is about all. */
  readonly ops?: readonly Op[];
  apply(outputs: readonly Value[], context: C): Become | Promise<Become>;
}

/** Passes that make graphs fast on a provider, in the order in which they run. "any" stands for standard ONNX alone. */
export interface Target<C = unknown> {
  readonly provider: "cpu" | "cuda" | "webgpu" | "any";
  readonly mode: "training" | "inference";
  readonly passes: readonly Pass<C>[];
  /** True if its graphs run as they are: onnxruntime's own rewriting takes seconds for large ones, and gains nothing. Default false. */
  readonly runsAsWritten?: boolean;
}

/** A graph after all passes of a target; names of values inside stay with what those have become. */
export async function formulate<C>(graph: NamedGraph, { passes }: Target<C>, context: C): Promise<NamedGraph> {
  let { outputs, blobs } = graph;
  let ops = opsOf(outputs);
  for (const pass of passes) {
    if (pass.ops && !pass.ops.some((op) => ops.has(op))) continue;
    const become = await pass.apply([...outputs.values()], context);
    const isSame = [...outputs.values()].every((value) => become.get(value) === value);
    outputs = new Map([...outputs].map(([name, value]) => [name, become.get(value)!]));
    blobs = new Map([...blobs].flatMap(([name, value]) => (become.has(value) ? [[name, become.get(value)!]] : [])));
    if (!isSame) ops = opsOf(outputs);
  }
  return { outputs, blobs };
}

/** The ops of a graph, those in bodies included. */
const opsOf = (outputs: GraphOutputs): ReadonlySet<Op> => {
  const ops = new Set<Op>();
  for (const { op } of everyNode(outputs.values())) ops.add(op);
  return ops;
};

/** The outputs of a graph after all passes of a target that need nothing beside it. */
export async function formulated(outputs: GraphOutputs, target: Target): Promise<GraphOutputs> {
  return (await formulate({ outputs, blobs: new Map() }, target, undefined)).outputs;
}
