import { formulate, type Target } from "../targets/index.js";
import { onWebGpu } from "../targets/webgpu/index.js";
import { type EmitOptions, emit, type Model } from "./emit.js";
import { openSession, type Session, type SessionOptions } from "./session.js";
import { targetOf } from "./target-of.js";

/** A target, and what its passes need beside a graph. */
export interface BoundTarget<C> {
  readonly target: Target<C>;
  readonly context: C;
}

const onlyKernels: Target = { provider: "webgpu", mode: "inference", passes: onWebGpu };

/** Opens a session on a graph as a target formulates it, by default the one for the options. Throws as `openSession` does. */
export async function buildSession<C = undefined>(
  { name, outputs }: Model,
  options: SessionOptions & EmitOptions = {},
  formulation?: BoundTarget<C>,
): Promise<Session> {
  const { provider = "cpu" } = options;
  const named = { outputs, blobs: new Map() };
  const { target, context } = formulation ?? { target: await targetOf(options), context: undefined as C };
  const given = await formulate(named, target, context);
  // A target that is no provider's own gives ONNX's nodes, some of which this one has no kernels for.
  const graph = formulation && provider === "webgpu" ? await formulate(given, onlyKernels, undefined) : given;
  const { runsAsWritten: asWritten = false } = target;
  // On a GPU outputs are copied from its memory in any case.
  const inPlaceOutputs = options.inPlaceOutputs && provider === "cpu";
  return openSession(emit({ name, outputs: graph.outputs }, { inPlaceOutputs }), { ...options, asWritten });
}
