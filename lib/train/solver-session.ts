import { has } from "../caffe/message.js";
import { type SolverParameter, SolverParameter_SolverMode as SolverMode } from "../caffe/messages.js";
import { chooseSession, type Find, type RunOptions } from "../onnx/choose-session.js";
import { findProvider } from "../onnx/find-provider.js";
import type { SessionOptions } from "../onnx/session.js";

/**
 * Device of a solver: as options say, else as its `solver_mode` does. GPU is the best device that is here, with `device_id` on CUDA,
 * and the CPU where there is none: published solvers say it of the machine of their authors. Caffe's default, GPU, counts for nothing
 * where it is not written. Throws NetrunError where a device that is asked for is not here.
 */
export async function solverSession(
  parameter: SolverParameter,
  options: RunOptions,
  find: Find = findProvider,
): Promise<SessionOptions> {
  const isGiven = options.provider !== undefined || options.devices !== undefined;
  if (isGiven || !asksForGpu(parameter)) return chooseSession(options, find);
  const { device_id: id } = parameter;
  const onDevice: Find = (provider, device, where) => find(provider, provider === "cuda" ? id : device, where);
  const chosen = await chooseSession({ ...options, provider: "auto" }, onDevice);
  return chosen.provider === "cuda" ? { ...chosen, devices: [id] } : chosen;
}

/** Tests whether a solver says that it wants a GPU. */
export const asksForGpu = (parameter: SolverParameter): boolean =>
  has(parameter, "solver_mode") && parameter.solver_mode === SolverMode.GPU;
