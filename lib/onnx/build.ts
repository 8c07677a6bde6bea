import { formulate, type Target } from "../targets/index.js";
import { type EmitOptions, emit, type Model } from "./emit.js";
import { openSession, type Session, type SessionOptions } from "./session.js";
import { targetOf } from "./target-of.js";

/** A target, and what its passes need beside a graph. */
export interface BoundTarget<C> {
  readonly target: Target<C>;
  readonly context: C;
}

/** Opens a session on a graph as a target formulates it, by default the one for the options. Throws as `openSession` does. */
export async function buildSession<C = undefined>(
  { name, outputs }: Model,
  options: SessionOptions & EmitOptions = {},
  formulation?: BoundTarget<C>,
): Promise<Session> {
  const named = { outputs, blobs: new Map() };
  const { target, context } = formulation ?? { target: await targetOf(options), context: undefined as C };
  const graph = await formulate(named, target, context);
  const { runsAsWritten: asWritten = false } = target;
  return openSession(emit({ name, outputs: graph.outputs }, options), { ...options, asWritten });
}
