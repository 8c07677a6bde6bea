import type { InferenceSession, Tensor } from "onnxruntime-node";
import { NetrunError } from "../error.js";
import { PROVIDER_NAMES, type Provider } from "./device.js";
import type { Emitted } from "./emit.js";
import { executionProvider } from "./execution-provider.js";
import { loadCudaLibraries } from "./cuda/libraries.js";
import { findProvider, notHere } from "./find-provider.js";
import { native } from "./native.js";
import { nativeFolder } from "./native-folder.js";
import { onnxruntime } from "./onnxruntime.js";
import { inOneLine, runError } from "./run-error.js";
import type { OpenOptions } from "./session-options.js";

/** Session options for what runs once. */
export const UNOPTIMISED = {
  graphOptimizationLevel: "disabled",
  enableCpuMemArena: false,
  enableMemPattern: false,
} as const;

/** Creates onnxruntime's session on a model; `locations` says where outputs are left, by default on the CPU. Throws NetrunError. */
export async function createSession(
  model: Emitted,
  { provider = "cpu", devices: [device = 0] = [], threads, profile, optimise = true, asWritten = false }: OpenOptions,
  locations?: Readonly<Record<string, Tensor.DataLocation>>,
): Promise<InferenceSession> {
  const options: InferenceSession.SessionOptions = {
    // Spinning worker threads starve each other on shared cores: 1.3 to 1.8 times slower at two threads on a virtual machine.
    extra: { "session.intra_op.allow_spinning": "0" },
    // A planned block for all values of a run comes beside what the first run has allocated, and as that stays, memory is held nearly
    // twice: GoogLeNet's step at batch 8 takes 1384 MB with it and 933 MB without (npm run bench:memory), and is no slower.
    enableMemPattern: false,
    // Errors are thrown; onnxruntime would write them to stderr as well.
    logSeverityLevel: 4,
    ...(asWritten && { graphOptimizationLevel: "disabled" }),
    ...(!optimise && UNOPTIMISED),
    ...(threads !== undefined && { intraOpNumThreads: threads }),
    ...(locations && { preferredOutputLocation: locations }),
    ...(profile !== undefined && { enableProfiling: true, profileFilePrefix: profile }),
  };
  try {
    return await createOn(provider, device, model.bytes, options);
  } catch (cause) {
    if (cause instanceof NetrunError) throw cause;
    if (provider === "cpu") throw runError(cause);
    throw new NetrunError(
      `${PROVIDER_NAMES[provider]} does not take the model: ${inOneLine((cause as Error).message)}`,
      {
        cause,
        notes: ["netrun devices --check says what works on this device", "without a provider it runs on the CPU"],
      },
    );
  }
}

/**
 * Creates a session on a provider's device. Where a GPU has kernels for a part of the model alone, the rest runs on the CPU, with a
 * warning once in a process. Throws NetrunError for a device that is not here, and what onnxruntime throws.
 */
export async function createOn(
  provider: Provider,
  device: number,
  model: string | Uint8Array,
  given: InferenceSession.SessionOptions,
): Promise<InferenceSession> {
  const ort = await onnxruntime();
  const create = (options: InferenceSession.SessionOptions) =>
    native(() => ort.InferenceSession.create(model as Uint8Array, options));
  if (provider === "cpu") return create({ ...given, executionProviders: ["cpu"] });
  // Dawn writes to stderr by itself where it finds no GPU, and so is tried in another process before.
  const found = provider === "webgpu" ? await findProvider(provider, device) : undefined;
  if (found?.isHere === false) throw notHere([[provider, found]], device);
  if (provider === "cuda") loadCudaLibraries(nativeFolder());
  const options = { ...given, executionProviders: [executionProvider(provider, device)] };
  try {
    return await create({ ...options, extra: { ...options.extra, "session.disable_cpu_ep_fallback": "1" } });
  } catch (cause) {
    if (!/fallback to CPU EP has been explicitly disabled/.test((cause as Error).message)) throw cause;
    warnOfCpu(provider);
    return create(options);
  }
}

const warned = new Set<Provider>();

function warnOfCpu(provider: Provider): void {
  if (warned.has(provider)) return;
  warned.add(provider);
  const name = PROVIDER_NAMES[provider];
  process.emitWarning(
    `${name} has no kernels for some of the model: that part runs on the CPU, with copies`,
    "PartlyOnCpu",
  );
}
