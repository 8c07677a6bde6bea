import { float32, input } from "../../lib/graph/index.js";
import { emit } from "../../lib/onnx/emit.js";
import { openSession, type SessionOptions } from "../../lib/onnx/session.js";
import { loop, matMul, slice } from "../../lib/ops/index.js";

/** Most GF/s of large matrix products in a few runs of many, whose operands stay on the device. */
export async function matrixRate(session: SessionOptions, size: number, products: number): Promise<number> {
  const matrix = (name: string) => input(name, float32([size, size]));
  const { carried } = loop(products, { carried: [matrix("a")], captured: [matrix("b")] }, (_, [a], [b]) => ({
    carried: [matMul(a!, b!)],
  }));
  const model = emit({ name: "peak", outputs: new Map([["y", slice(carried[0]!, 0, 0, 1)]]) });
  await using own = await openSession(model, session);
  const values = (value: number) => new Float32Array(size ** 2).fill(value);
  const feeds = { a: values(0.5), b: values(1 / size) };
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 5; i++) {
    const started = performance.now();
    await own.run(feeds, ["y"]);
    least = Math.min(least, performance.now() - started);
  }
  return (2 * size ** 3 * products) / least / 1e6;
}
