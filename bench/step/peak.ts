import { float32, input } from "../../lib/graph/index.js";
import { emit } from "../../lib/onnx/emit.js";
import { openSession } from "../../lib/onnx/session.js";
import { matMul, reshape, slice } from "../../lib/ops/index.js";

const SIZE = 1536;

/** Most GF/s of a matrix product of this size by onnxruntime in a few runs: the peak that steps are compared with. */
export async function gemmPeak(threads: number): Promise<number> {
  const matrix = (name: string) => input(name, float32([SIZE, SIZE]));
  const product = reshape(matMul(matrix("a"), matrix("b")), [SIZE * SIZE]);
  const model = emit({ name: "peak", outputs: new Map([["y", slice(product, 0, 0, 1)]]) });
  await using session = await openSession(model, { threads });
  const feeds = { a: new Float32Array(SIZE ** 2).fill(0.5), b: new Float32Array(SIZE ** 2).fill(0.25) };
  let least = Number.POSITIVE_INFINITY;
  // Threads and clocks take a while to come up.
  for (const begun = performance.now(); performance.now() - begun < 2000; ) {
    const started = performance.now();
    await session.run(feeds, ["y"]);
    least = Math.min(least, performance.now() - started);
  }
  return (2 * SIZE ** 3) / least / 1e6;
}
