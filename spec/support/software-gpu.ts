import { existsSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { findProvider, thisMachine } from "../../lib/onnx/find-provider.js";

/** Debian's Chromium has a Vulkan driver that computes on the CPU, SwiftShader, and Vulkan's loader. */
const FOLDER = process.env["SWIFTSHADER"] ?? "/usr/lib/chromium";
const DRIVER = join(FOLDER, "vk_swiftshader_icd.json");
const LOADER = join(FOLDER, "libvulkan.so.1");

/**
 * Has onnxruntime's WebGPU provider run in this process and those that it starts, on a GPU that is here or else on SwiftShader. Why there is none,
 * where there is none.
 */
export async function findWebGpu(): Promise<string | undefined> {
  if (thisMachine().hasGpu === false) {
    if (!existsSync(DRIVER) || !existsSync(LOADER)) return `neither a GPU nor ${DRIVER} (Debian's package chromium)`;
    process.env["VK_ICD_FILENAMES"] = DRIVER;
    // Child processes look there for the loader; this one has read the variable already, and finds what is loaded.
    process.env["LD_LIBRARY_PATH"] = FOLDER;
    loadLibrary(LOADER);
  }
  const found = await findProvider("webgpu");
  return found.isHere ? undefined : found.missing;
}

/** Keeps a library loaded though Node closes it again, since it is no addon: Linux's value, which Node does not name. */
const RTLD_NODELETE = 0x1000;

/** Loads a library that is no addon. */
function loadLibrary(path: string): void {
  try {
    const { RTLD_NOW, RTLD_GLOBAL } = constants.dlopen;
    process.dlopen({ exports: {} } as NodeModule, path, RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE);
  } catch (error) {
    // It is loaded then, and has no module in it.
    if (!/did not self-register/.test((error as Error).message)) throw error;
  }
}
