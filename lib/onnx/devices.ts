import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { basename, join } from "node:path";
import {
  CUDA_LIBRARIES,
  type CudaLibrary,
  installedLibraries,
  knownLibraries,
  systemLibraries,
} from "./cuda/libraries.js";
import { cudaInstallation, onnxruntimeVersion } from "./cuda/install.js";
import type { Provider } from "./device.js";
import { findProvider } from "./find-provider.js";
import { nativeFolder } from "./native-folder.js";

/** A GPU, as its driver or the system names it. */
export interface Gpu {
  /** By number, as `-gpu` takes it. */
  readonly device: number;
  readonly name: string;
  readonly memoryBytes?: number;
}

/** A library that a provider loads: its version and where it is, or that it is missing. */
export interface Library {
  readonly name: string;
  readonly version?: string;
  readonly path?: string;
}

/** A provider of onnxruntime on this machine. */
export interface ProviderReport {
  readonly provider: Provider;
  /** True if nets run on it. */
  readonly works: boolean;
  /** True if it computes on the CPU after all. */
  readonly isSoftware?: boolean;
  readonly gpus?: readonly Gpu[];
  /** Version of the GPU's driver. */
  readonly driver?: string;
  readonly libraries?: readonly Library[];
  /** Reason why it does not work, and what mends that. */
  readonly missing?: string;
  readonly remedies?: readonly string[];
}

/** All that nets can run on here, best last. */
export interface DeviceReport {
  /** Version of onnxruntime. */
  readonly onnxruntime: string;
  readonly providers: readonly ProviderReport[];
}

/** Looks at every provider. Each is tried in a process of its own where this machine has what it needs. */
export async function listProviders(): Promise<DeviceReport> {
  const native = nativeFolder();
  const [cuda, webgpu] = await Promise.all([cudaReport(native), webgpuReport()]);
  return { onnxruntime: onnxruntimeVersion(native), providers: [{ provider: "cpu", works: true }, cuda, webgpu] };
}

async function cudaReport(native: string): Promise<ProviderReport> {
  const found = await findProvider("cuda");
  const nvidia = nvidiaGpus();
  const driver = nvidia.driver === undefined ? {} : { driver: nvidia.driver };
  const isPossible = process.platform === "linux" && process.arch === "x64";
  return {
    provider: "cuda",
    ...stateOf(found),
    gpus: nvidia.gpus,
    ...driver,
    ...(isPossible && { libraries: cudaLibraries(native) }),
  };
}

async function webgpuReport(): Promise<ProviderReport> {
  const found = await findProvider("webgpu");
  if (process.platform !== "linux") return { provider: "webgpu", ...stateOf(found) };
  const loader = "libvulkan.so.1";
  const path = [...(process.env["LD_LIBRARY_PATH"] ?? "").split(":").map((folder) => join(folder, loader))].find(
    existsSync,
  );
  return {
    provider: "webgpu",
    ...stateOf(found),
    gpus: renderNodes(),
    libraries: [libraryAt(loader, path ?? knownLibraries().get(loader))],
  };
}

const stateOf = (found: Awaited<ReturnType<typeof findProvider>>): Pick<ProviderReport, "works" | "missing"> =>
  found.isHere
    ? { works: true, ...(found.isSoftware && { isSoftware: true }) }
    : { works: false, missing: found.missing, ...{ remedies: found.remedies } };

/** onnxruntime's library for CUDA, and what it loads. */
function cudaLibraries(native: string): readonly Library[] {
  const own = installedLibraries(native);
  const system = systemLibraries();
  const provider = join(native, "libonnxruntime_providers_cuda.so");
  const version = cudaInstallation(native)?.version;
  return [
    existsSync(provider)
      ? { name: basename(provider), path: provider, ...(version !== undefined && { version }) }
      : { name: basename(provider) },
    ...(Object.keys(CUDA_LIBRARIES) as CudaLibrary[]).map((name) => {
      const path = own.get(name) ?? system.get(name);
      const packaged = own.has(name) ? cudaInstallation(native)?.packages[CUDA_LIBRARIES[name]] : undefined;
      return { ...libraryAt(name, path), ...(packaged !== undefined && { version: packaged }) };
    }),
  ];
}

/** A library with the version that its real file's name has. */
function libraryAt(name: string, path: string | undefined): Library {
  if (path === undefined) return { name };
  const [, version] = /\.so\.([\d.]+)$/.exec(basename(realpathSync(path))) ?? [];
  return { name, path, ...(version !== undefined && { version }) };
}

/** NVIDIA's GPUs and the version of their driver, as its own program tells, else as its files under /proc do. */
function nvidiaGpus(): { readonly gpus: readonly Gpu[]; readonly driver: string | undefined } {
  try {
    const query = ["--query-gpu=name,memory.total,driver_version", "--format=csv,noheader,nounits"];
    const text = execFileSync("nvidia-smi", query, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    const rows = text
      .trim()
      .split("\n")
      .map((line) => line.split(",").map((cell) => cell.trim()));
    const gpus = rows.map(([name = "", mebibytes], device) => {
      const memory = Number(mebibytes) * 2 ** 20;
      return { device, name, ...(Number.isFinite(memory) && { memoryBytes: memory }) };
    });
    return { gpus, driver: rows[0]?.[2] };
  } catch {
    const [, driver] = /Kernel Module.*?\s(\d+\.[\d.]+)\s/.exec(textOf("/proc/driver/nvidia/version")) ?? [];
    const folder = "/proc/driver/nvidia/gpus";
    const gpus = entries(folder).map((name, device) => {
      const [, model] = /^Model:\s*(.+)$/m.exec(textOf(join(folder, name, "information"))) ?? [];
      return { device, name: model ?? name };
    });
    return { gpus, driver };
  }
}

const VENDORS: Readonly<Record<string, string>> = { "0x10de": "NVIDIA", "0x1002": "AMD", "0x8086": "Intel" };

/** GPUs that Linux has a render node for; WebGPU takes one of them. */
function renderNodes(): readonly Gpu[] {
  const nodes = entries("/dev/dri").filter((name) => name.startsWith("renderD"));
  return nodes.map((node, device) => {
    const folder = join("/sys/class/drm", node, "device");
    const [vendor, id] = ["vendor", "device"].map((name) => textOf(join(folder, name)).trim());
    const maker = VENDORS[vendor!] ?? (vendor || "unknown");
    return { device, name: `${maker} ${id}`.trim() };
  });
}

const entries = (folder: string): readonly string[] => (existsSync(folder) ? readdirSync(folder).sort() : []);

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
