import { chooseSession, type RunOptions } from "../onnx/choose-session.js";
import { deviceName } from "../onnx/device.js";
import { type Args, apiOf } from "../options/option.js";
import { SESSION } from "../options/run.js";

/**
 * Engine for a command that takes `replicas` of a net, by its flags. What is chosen among several devices is said on stderr.
 * Throws NetrunError for one that is not here.
 */
export async function sessionOfFlags(
  args: Args<typeof SESSION> & { readonly quiet: boolean },
  replicas: "one" | "several" = "one",
): Promise<RunOptions> {
  const given = apiOf(SESSION, args);
  const { provider = "cpu", devices, tf32, ...rest } = await chooseSession(given);
  const used = replicas === "one" ? devices?.slice(0, 1) : devices;
  const isChosen = given.devices !== undefined || given.provider === "auto";
  if (isChosen && !args.quiet) process.stderr.write(`Runs on ${deviceName({ provider, devices: used, tf32 })}\n`);
  // The command chooses again with what was chosen: what CUDA alone takes is not given to others.
  return { provider, ...(used && { devices: used }), ...(tf32 && { tf32 }), ...rest };
}
