import { constant } from "../../lib/graph/index.js";
import { emit } from "../../lib/onnx/emit.js";
import { openSession } from "../../lib/onnx/session.js";
import { reorderInput } from "../../lib/targets/cpu/index.js";

/** Channels of a block of this processor's kernels. */
export async function blockOf(): Promise<number> {
  const x = constant(new Float32Array(4), [1, 4, 1, 1]);
  await using session = await openSession(emit({ name: "block", outputs: new Map([["y", reorderInput(x)]]) }));
  return (await session.run({}, ["y"]))["y"]!.length;
}
