import { spawnSync } from "node:child_process";
import type { StepNet } from "../step/nets.js";
import { torch } from "../step/programs.js";

/** PyTorch's milliseconds of a step, eager and compiled; undefined where it ended. */
export interface TorchTraining {
  readonly eagerMs: number | undefined;
  readonly compiledMs: number | undefined;
}

/** Steps of a window, after some that do not count. */
const STEPS = 30;

/** Times PyTorch's training of the same layers on the same device. */
export async function timeTorch(
  python: string,
  net: StepNet,
  provider: "cpu" | "cuda",
  tf32: boolean,
): Promise<TorchTraining> {
  process.env["NETRUN_TORCH_DEVICE"] = provider;
  process.env["NETRUN_TORCH_TF32"] = tf32 ? "1" : "0";
  const time = async (isCompiled: boolean) => {
    const program = torch(python, net, 1, "contiguous", isCompiled);
    try {
      await program.steps(5);
      const windows: number[] = [];
      for (let i = 0; i < 5; i++) windows.push((await program.steps(STEPS)).reduce((a, b) => a + b, 0) / STEPS);
      return windows.sort((a, b) => a - b)[windows.length >> 1]!;
    } catch (error) {
      process.stderr.write(`${(error as Error).message}\n`);
      return undefined;
    } finally {
      program.end();
    }
  };
  return { eagerMs: await time(false), compiledMs: await time(true) };
}

/** The version of a Python's PyTorch, undefined where it has none. */
export function torchVersion(python: string): string | undefined {
  const { status, stdout } = spawnSync(python, ["-c", "import torch; print(torch.__version__)"], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}
