import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { NetrunError } from "../error.js";
import { PROVIDER_NAMES, type Provider } from "./device.js";
import { nativeFolder } from "./native-folder.js";
import { type ProviderTrial, tryProvider } from "./try-provider.js";

/** A provider on a device of it: here, or what is missing and the commands that mend that. */
export type FoundProvider = { readonly isHere: true; readonly isSoftware: boolean } | AbsentProvider;

export interface AbsentProvider {
  readonly isHere: false;
  readonly missing: string;
  readonly remedies: readonly string[];
}

/** Preconditions of a provider, checked before it is tried. */
export interface Machine {
  /** As Node has them: linux, x64. */
  readonly platform: string;
  readonly arch: string;
  /** True if there is a GPU of any kind, and whether one has NVIDIA's driver. On Linux; elsewhere undefined. */
  readonly hasGpu: boolean | undefined;
  readonly hasNvidia: boolean | undefined;
  /** True if onnxruntime's library for CUDA lies beside it. */
  readonly hasCudaProvider: boolean;
  /** True if the Vulkan driver that is asked for computes on the CPU. */
  readonly isSoftwareVulkan: boolean;
}

/** Devices of this machine. */
export function thisMachine(): Machine {
  const { platform, arch } = process;
  const isLinux = platform === "linux";
  const nodes = (folder: string) => (existsSync(folder) ? readdirSync(folder) : []);
  const hasNvidia = nodes("/dev").some((name) => /^nvidia\d+$/.test(name)) || existsSync("/dev/dxg");
  const isRendered = nodes("/dev/dri").some((name) => name.startsWith("renderD"));
  const drivers = process.env["VK_DRIVER_FILES"] ?? process.env["VK_ICD_FILENAMES"] ?? "";
  return {
    platform,
    arch,
    hasGpu: isLinux ? hasNvidia || isRendered : undefined,
    hasNvidia: isLinux ? hasNvidia : undefined,
    hasCudaProvider: existsSync(join(nativeFolder(), "libonnxruntime_providers_cuda.so")),
    isSoftwareVulkan: /swiftshader|lvp|lavapipe/i.test(drivers),
  };
}

/**
 * Looks for a provider on one of its devices, by number. It is tried only where the machine has what it needs, and on "gpu" only where
 * it does not compute on the CPU, which netrun's provider for that does faster.
 */
export async function findProvider(
  provider: Provider,
  device = 0,
  where: "gpu" | "anywhere" = "anywhere",
  machine: Machine = thisMachine(),
  attempt: (provider: Provider, device: number) => Promise<ProviderTrial> = tryProvider,
): Promise<FoundProvider> {
  if (provider === "cpu") return { isHere: true, isSoftware: false };
  const isSoftware = provider === "webgpu" && (machine.isSoftwareVulkan || machine.hasGpu === false);
  const absent =
    provider === "cuda" ? cudaMissing(machine) : webgpuMissing(machine, device, isSoftware && where === "gpu");
  if (absent) return { isHere: false, ...absent };
  const trial = await attempt(provider, device);
  if ("result" in trial && trial.result === "works") return { isHere: true, isSoftware };
  const said = "result" in trial ? `an addition on it ${trial.result}` : trial.missing;
  const missing = provider === "cuda" && machine.hasNvidia === false ? `no NVIDIA driver is installed (${said})` : said;
  return { isHere: false, missing, remedies: provider === "cuda" ? cudaRemedies(machine) : webgpuRemedies(machine) };
}

type Absent = Omit<AbsentProvider, "isHere">;

const DRIVER =
  "NVIDIA's driver, 580 or newer: sudo apt-get install nvidia-driver-580-server on Ubuntu; for a container docker run --gpus all";
const INSTALL = "onnxruntime's library for CUDA, with CUDA 13 and cuDNN 9: netrun devices --install cuda";

const cudaRemedies = ({ hasNvidia }: Machine): readonly string[] =>
  hasNvidia ? ["netrun devices lists the missing libraries; --install cuda installs them"] : [DRIVER];

function cudaMissing({ platform, arch, hasNvidia, hasCudaProvider }: Machine): Absent | undefined {
  if (platform !== "linux" || arch !== "x64") {
    return {
      missing: `onnxruntime-node has CUDA for Linux on x64 only, this is ${platform} on ${arch}`,
      remedies: ["--provider webgpu runs on GPUs here"],
    };
  }
  if (hasCudaProvider) return undefined;
  const missing = `${hasNvidia ? "" : "no NVIDIA driver is installed, and "}onnxruntime's library for CUDA is not installed`;
  return { missing, remedies: hasNvidia ? [INSTALL] : [DRIVER, INSTALL] };
}

function webgpuMissing(machine: Machine, device: number, isRefused: boolean): Absent | undefined {
  if (device > 0) {
    return { missing: "onnxruntime uses one GPU for WebGPU, the first", remedies: ["-gpu 0 is that one"] };
  }
  if (!isRefused) return undefined;
  return {
    missing: machine.hasGpu === false ? "there is no GPU" : "its Vulkan driver computes on the CPU",
    remedies: webgpuRemedies(machine),
  };
}

function webgpuRemedies({ platform, hasGpu }: Machine): readonly string[] {
  if (platform !== "linux") return ["it needs a GPU and its current driver"];
  const driver =
    "a Vulkan driver: sudo apt-get install libvulkan1 mesa-vulkan-drivers for AMD and Intel; NVIDIA's driver has one, with libvulkan1";
  return [
    ...(hasGpu ? [] : ["there is no GPU: neither /dev/dri/renderD* nor /dev/nvidia*"]),
    driver,
    "without a GPU, slowly, for tests: sudo apt-get install chromium, then LD_LIBRARY_PATH=/usr/lib/chromium VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json and --provider webgpu",
  ];
}

/** Of providers that are not here, with the commands that change that. */
export function notHere(absent: readonly (readonly [Provider, AbsentProvider])[], device: number): NetrunError {
  const [[first, { missing, remedies }]] = absent as [(typeof absent)[number]];
  if (absent.length === 1) {
    return new NetrunError(
      `${PROVIDER_NAMES[first]}${device > 0 ? `, GPU ${device}` : ""} cannot be used here: ${missing}`,
      {
        notes: [...remedies, ON_CPU],
      },
    );
  }
  return new NetrunError("no GPU can be used here", {
    notes: [
      ...absent.flatMap(([provider, { missing, remedies }]) => [
        `${PROVIDER_NAMES[provider]}: ${missing}`,
        ...remedies.map((remedy) => `  ${remedy}`),
      ]),
      ON_CPU,
    ],
  });
}

const ON_CPU = "without a provider and GPUs it runs on the CPU";
