import { formulated, portable, type Target } from "../targets/index.js";
import { type EmitOptions, emit, type Model } from "./emit.js";
import { openSession, type Session, type SessionOptions } from "./session.js";

/** Opens a session on a graph as a target formulates it. Throws as `openSession` does. */
export function buildSession(
  { name, outputs }: Model,
  options: SessionOptions & EmitOptions = {},
  target: Target = portable,
): Promise<Session> {
  return openSession(emit({ name, outputs: formulated(outputs, target) }, options), options);
}
