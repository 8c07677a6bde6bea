import { formulated, type Target } from "../targets/index.js";
import { type EmitOptions, emit, type Model } from "./emit.js";
import { openSession, type Session, type SessionOptions } from "./session.js";
import { targetOf } from "./target-of.js";

/** Opens a session on a graph as a target formulates it, by default the one for the options. Throws as `openSession` does. */
export async function buildSession(
  { name, outputs }: Model,
  options: SessionOptions & EmitOptions = {},
  target?: Target,
): Promise<Session> {
  const graph = await formulated(outputs, target ?? (await targetOf(options)));
  return openSession(emit({ name, outputs: graph }, options), options);
}
