import { chooseSession } from "../../lib/onnx/choose-session.js";
import type { SessionOptions } from "../../lib/onnx/session.js";

export type { SessionOptions } from "../../lib/onnx/session.js";

/** The first device of a provider, as netrun chooses it. Throws NetrunError, with what is missing, where it is not here. */
export const runtimeOf = (provider: "cpu" | "cuda", tf32: boolean): Promise<SessionOptions> =>
  chooseSession({ provider, ...(tf32 && { tf32 }) });
