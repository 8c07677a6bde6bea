import { constant } from "../graph/index.js";
import { cpuTarget, reorderInput } from "../targets/cpu/index.js";
import { cudaTarget } from "../targets/cuda/index.js";
import { portable, type Target } from "../targets/index.js";
import { webgpu } from "../targets/webgpu/index.js";
import { emit } from "./emit.js";
import { openSession, type SessionOptions } from "./session.js";

let cpu: Promise<Target> | undefined;

/**
 * The target that graphs of these options are formulated for: WebGPU's and CUDA's on those providers; the CPU's own for models that run
 * often on the CPU provider; the portable one for all others and, on the CPU, with `portable` (or NETRUN_PORTABLE=1).
 */
export function targetOf({ provider = "cpu", optimise = true, portable: plain }: SessionOptions): Promise<Target> {
  if (provider === "webgpu") return Promise.resolve(webgpu);
  if (provider === "cuda") return Promise.resolve(cudaTarget);
  const isPortable = plain ?? process.env["NETRUN_PORTABLE"] === "1";
  if (isPortable || provider !== "cpu" || !optimise) return Promise.resolve(portable);
  cpu ??= probe();
  return cpu;
}

/**
 * Channels of a block of this processor's kernels, which a model of one node tells. Throws where there is no such kernel or it does
 * something else: it is no part of onnxruntime's interface.
 */
export async function blockOf(): Promise<number> {
  const x = constant(new Float32Array([1, 2, 3, 4]), [1, 4, 1, 1]);
  const model = emit({ name: "probe", outputs: new Map([["y", reorderInput(x)]]) });
  await using session = await openSession(model, { threads: 1 });
  const { y } = await session.run({}, ["y"]);
  const block = y!.length;
  const isBlock = (block === 8 || block === 16) && y!.every((value, i) => value === (i < 4 ? i + 1 : 0));
  if (!isBlock) throw new Error(`4 channels became ${block}`);
  return block;
}

/** The CPU's target with the block of this processor, or the portable one where there is none. */
async function probe(): Promise<Target> {
  try {
    return cpuTarget(await blockOf());
  } catch (error) {
    process.emitWarning(
      `onnxruntime's blocked kernels are not used, which is slower: ${(error as Error).message}`,
      "PortableTarget",
    );
    return portable;
  }
}
