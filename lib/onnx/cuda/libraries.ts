import { existsSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, join } from "node:path";
import { execFileSync } from "node:child_process";

/** Libraries that onnxruntime's for CUDA loads, by file name, in the order in which they need each other; the driver's is not among them. */
export const CUDA_LIBRARIES = {
  "libcudart.so.13": "nvidia-cuda-runtime",
  "libnvJitLink.so.13": "nvidia-nvjitlink",
  "libcublasLt.so.13": "nvidia-cublas",
  "libcublas.so.13": "nvidia-cublas",
  "libcurand.so.10": "nvidia-curand",
  "libcufft.so.12": "nvidia-cufft",
  "libnvrtc.so.13": "nvidia-cuda-nvrtc",
  "libcudnn.so.9": "nvidia-cudnn-cu13",
} as const;

export type CudaLibrary = keyof typeof CUDA_LIBRARIES;

/** onnxruntime's own libraries for CUDA, which lie beside it. */
export const PROVIDER_FILES = ["libonnxruntime_providers_shared.so", "libonnxruntime_providers_cuda.so"] as const;

/** The folder of an installation by netrun, in that of onnxruntime's native libraries. */
export const installFolder = (native: string): string => join(native, "netrun-cuda");

/** Folders where pip's packages put their libraries, below the folder that they are installed to. */
const PIP_FOLDERS = ["nvidia/cu13/lib", "nvidia/cudnn/lib"];

/** Paths of CUDA's libraries in an installation by netrun, as far as they are there. */
export function installedLibraries(native: string): ReadonlyMap<CudaLibrary, string> {
  const folders = PIP_FOLDERS.map((folder) => join(installFolder(native), folder));
  return found((name) => folders.map((folder) => join(folder, name)).find(existsSync));
}

/** Paths of CUDA's libraries where the system looks for them: LD_LIBRARY_PATH, and what ldconfig knows. */
export function systemLibraries(): ReadonlyMap<CudaLibrary, string> {
  const folders = (process.env["LD_LIBRARY_PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  const known = knownLibraries();
  return found((name) => folders.map((folder) => join(folder, name)).find(existsSync) ?? known.get(name));
}

function found(pathOf: (name: CudaLibrary) => string | undefined): ReadonlyMap<CudaLibrary, string> {
  return new Map(
    (Object.keys(CUDA_LIBRARIES) as CudaLibrary[]).flatMap((name) => {
      const path = pathOf(name);
      return path === undefined ? [] : [[name, path] as const];
    }),
  );
}

/** Paths by name of all libraries that the dynamic linker finds by itself. */
export function knownLibraries(): ReadonlyMap<string, string> {
  try {
    const text = execFileSync("ldconfig", ["-p"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      env: { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/sbin:/usr/sbin` },
    });
    return new Map([...text.matchAll(/^\s*(\S+) \(.*x86-64.*\) => (\S+)$/gm)].map(([, name, path]) => [name!, path!]));
  } catch {
    return new Map();
  }
}

/** Keeps a library loaded though Node closes it again, since it is no addon: Linux's value, which Node does not name. */
const RTLD_NODELETE = 0x1000;

let loaded = false;

/**
 * Loads the CUDA libraries of an installation by netrun: onnxruntime's own looks for them where the system does, and finds those that are
 * loaded already. Once in a process; without such an installation it does nothing, and what does not load is reported by onnxruntime.
 */
export function loadCudaLibraries(native: string): void {
  if (loaded || !existsSync(installFolder(native))) return;
  loaded = true;
  // cuDNN and cuBLAS find parts of theirs beside them.
  for (const path of installedLibraries(native).values()) load(path);
}

function load(path: string): string | undefined {
  const { RTLD_NOW, RTLD_GLOBAL } = constants.dlopen;
  try {
    process.dlopen({ exports: {} } as NodeModule, path, RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE);
    return undefined;
  } catch (error) {
    const { message } = error as Error;
    return /did not self-register/.test(message) ? undefined : message.split("\n")[0];
  }
}

/** System's message on loading onnxruntime's library for CUDA, which onnxruntime only writes to its log: a library that it misses. */
export const whyNotLoaded = (native: string): string | undefined => load(join(native, PROVIDER_FILES[1]));
