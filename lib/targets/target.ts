import type { Value } from "../graph/index.js";

/** A graph by the names of its outputs. */
export type Outputs = ReadonlyMap<string, Value>;

/** A named rewriting of a whole graph, which computes the same. */
export interface Pass {
  readonly name: string;
  apply(outputs: Outputs): Outputs;
}

/** How graphs become fast on a provider: passes in the order in which they run. "any" stands for standard ONNX alone. */
export interface Target {
  readonly provider: "cpu" | "cuda" | "webgpu" | "any";
  readonly mode: "training" | "inference";
  readonly passes: readonly Pass[];
}

/** A graph after all passes of a target. */
export const formulated = (outputs: Outputs, { passes }: Target): Outputs =>
  passes.reduce((graph, pass) => pass.apply(graph), outputs);
