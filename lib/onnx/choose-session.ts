import { NetrunError } from "../error.js";
import type { Provider } from "./device.js";
import { type AbsentProvider, type FoundProvider, findProvider, notHere } from "./find-provider.js";
import type { SessionOptions } from "./session.js";
import { chooseTf32 } from "./tf32.js";

/** Caller's choice of where models run. */
export interface DeviceChoice {
  /** The provider; "auto" is the best that is here: CUDA, else WebGPU on a GPU, else the CPU. Default CPU; with `devices` a GPU's. */
  readonly provider?: Provider | "auto" | undefined;
  /** GPUs by number, or all of them: Caffe's `-gpu`. Replicas of a training share them, the rest runs on the first. Default 0. */
  readonly devices?: readonly number[] | "all" | undefined;
}

/** Caller's options of running models. */
export interface RunOptions extends DeviceChoice, Pick<SessionOptions, "threads" | "portable" | "loop" | "tf32"> {}

/** Looks for a provider on a device, as `findProvider` does. */
export type Find = (provider: Provider, device: number, where: "gpu" | "anywhere") => Promise<FoundProvider>;

/** More GPUs than a machine has. */
const MOST_DEVICES = 64;

/**
 * The session options that a caller's come to: the provider and its devices are here. Throws NetrunError, with the commands that
 * install what is missing, where they are not: nothing that is asked of a GPU runs on the CPU.
 */
export async function chooseSession(options: RunOptions, find: Find = findProvider): Promise<SessionOptions> {
  const chosen = await chooseDevices(options, find);
  const { provider = "cpu" } = chosen;
  chooseTf32(provider, options.tf32);
  return { ...chosen, ...(options.tf32 && { tf32: true }) };
}

async function chooseDevices(options: RunOptions, find: Find): Promise<SessionOptions> {
  const { provider, devices, threads, portable, loop } = options;
  const given = {
    ...(threads !== undefined && { threads }),
    ...(portable !== undefined && { portable }),
    ...(loop !== undefined && { loop }),
  };
  if (devices !== undefined) checkDevices(devices, provider);
  if (devices === undefined && (provider === undefined || provider === "cpu")) return given;
  const isOpen = provider === undefined || provider === "auto";
  const absent: [Provider, AbsentProvider][] = [];
  for (const candidate of isOpen ? (["cuda", "webgpu"] as const) : [provider]) {
    const found = await find(candidate, firstOf(devices), isOpen ? "gpu" : "anywhere");
    if (!found.isHere) absent.push([candidate, found]);
    else return { ...given, provider: candidate, devices: await allOf(candidate, devices ?? [0], find) };
  }
  if (provider === "auto" && devices === undefined) return given;
  throw notHere(absent, firstOf(devices));
}

const firstOf = (devices: RunOptions["devices"]): number =>
  devices === undefined || devices === "all" ? 0 : devices[0]!;

function checkDevices(devices: readonly number[] | "all", provider: RunOptions["provider"]): void {
  if (devices !== "all" && devices.length === 0) throw new NetrunError("devices is empty: name a GPU, from 0 on");
  const twice = devices !== "all" && devices.find((device, i) => devices.indexOf(device) < i);
  if (typeof twice === "number") throw new NetrunError(`GPU ${twice} is given twice`);
  if (provider === "cpu") {
    throw new NetrunError("the CPU has no GPUs to choose from", {
      notes: ["give either the provider cpu or GPUs (-gpu, in the API `devices`)"],
    });
  }
}

/** All devices of a provider whose first is here, by number; throws where one of those that were named is not. */
async function allOf(provider: Provider, devices: readonly number[] | "all", find: Find): Promise<readonly number[]> {
  if (devices !== "all") {
    for (const device of devices.slice(1)) {
      const found = await find(provider, device, "anywhere");
      if (!found.isHere) throw notHere([[provider, found]], device);
    }
    return devices;
  }
  let count = 1;
  while (count < MOST_DEVICES && (await find(provider, count, "anywhere")).isHere) count++;
  return Array.from({ length: count }, (_, device) => device);
}
