import { expect } from "chai";
import { constant, float32, input, topological, type Value } from "../../lib/graph/index.js";
import { gradient } from "../../lib/net/gradient.js";
import { emit } from "../../lib/onnx/emit.js";
import { openSession } from "../../lib/onnx/session.js";
import { cast, logSoftmax, maxPool, mod, type PoolAttrs, sign, topK } from "../../lib/ops/index.js";
import { formulated, portable, type Target } from "../../lib/targets/index.js";
import { webgpu } from "../../lib/targets/webgpu/index.js";
import { prng } from "../support/prng.js";

/** Outputs of a target on the CPU: its formulation is standard ONNX. */
async function computed(
  outputs: ReadonlyMap<string, Value>,
  target: Target,
  feeds: Readonly<Record<string, Float32Array>>,
): Promise<Readonly<Record<string, readonly number[]>>> {
  const graph = await formulated(outputs, target);
  await using session = await openSession(emit({ name: "t", outputs: graph }));
  const results = await session.run(feeds, session.outputs);
  return Object.fromEntries(Object.entries(results).map(([name, values]) => [name, [...values]]));
}

/** Whole numbers in [0, 4): ties are frequent, and sums exact. */
const small = (n: number, seed: number): Float32Array => {
  const next = prng(seed);
  return Float32Array.from({ length: n }, () => Math.floor(next() * 4));
};

const square = (kernel: number, stride: number, before = 0, after = 0): PoolAttrs => ({
  kernel: [kernel, kernel],
  strides: [stride, stride],
  pads: [
    [before, after],
    [before, after],
  ],
});

describe("the WebGPU target", () => {
  for (const [what, attrs, size] of [
    ["2x2 by 2", square(2, 2), [6, 8]],
    ["3x3 by 2, overlapping", square(3, 2), [7, 9]],
    ["3x3 by 2 with a window over the end", square(3, 2, 0, 1), [8, 6]],
    ["3x3 by 1, padded", square(3, 1, 1, 1), [5, 4]],
    ["2x2 by 3, with gaps", square(2, 3), [8, 8]],
    [
      "3x2 by 2,1",
      {
        kernel: [3, 2],
        strides: [2, 1],
        pads: [
          [1, 0],
          [0, 1],
        ],
      },
      [7, 5],
    ],
  ] as const) {
    it(`max pooling ${what}: gradients and places of the first of equal maxima`, async () => {
      const shape = [2, 3, ...size];
      const x = input("x", float32(shape));
      const { y, indices } = maxPool(x, attrs);
      const dy = input("dy", y.type);
      const [dx] = gradient(new Map([[y, dy]]), [x]);
      const outputs = new Map([
        ["y", y],
        ["dx", dx!],
        ["places", cast(indices, "float32")],
      ]);
      const n = shape.reduce((a, b) => a * b);
      for (const seed of [1, 2, 3]) {
        const feeds = {
          x: small(n, seed),
          dy: small(
            y.type.shape.reduce((a, b) => a * b),
            seed + 10,
          ),
        };
        expect(await computed(outputs, webgpu, feeds)).to.deep.equal(await computed(outputs, portable, feeds));
      }
    });
  }

  it("top k: values and indices, the first of equals first", async () => {
    const x = input("x", float32([3, 7, 2]));
    const { values, indices } = topK(x, 1, 4);
    const outputs = new Map([
      ["values", values],
      ["indices", cast(indices, "float32")],
    ]);
    const feeds = { x: small(42, 5) };
    expect(await computed(outputs, webgpu, feeds)).to.deep.equal(await computed(outputs, portable, feeds));
  });

  it("signs, remainders and the logarithm of a softmax", async () => {
    const x = input("x", float32([2, 4]));
    const outputs = new Map([
      ["sign", sign(x)],
      ["rest", cast(mod(cast(x, "int32"), cast(constant(3), "int32")), "float32")],
    ]);
    const feeds = { x: Float32Array.of(-2, -0, 0, 1e-30, 7, 6, 2, 5) };
    const { sign: signs, rest } = await computed(outputs, webgpu, feeds);
    expect(signs!.map((value) => value + 0)).to.deep.equal([-1, 0, 0, 1, 1, 1, 1, 1]);
    expect(rest!.slice(4)).to.deep.equal([1, 0, 2, 2]);
    const large = { x: Float32Array.of(1000, 1000, -1000, 1000, 0.5, 0, -1, 2) };
    const logs = new Map([["y", logSoftmax(x, 1)]]);
    const [own, other] = [await computed(logs, webgpu, large), await computed(logs, portable, large)];
    // Exponentials and logarithms of float32, in other orders.
    for (const [i, value] of own["y"]!.entries())
      expect(value).to.be.closeTo(other["y"]![i]!, 1e-6 * Math.max(1, Math.abs(value)));
  });

  it("has no int64 that is computed with", async () => {
    const x = input("x", float32([2, 1, 4, 4]));
    const { y, indices } = maxPool(x, square(2, 2));
    const graph = await formulated(
      new Map([
        ["places", cast(indices, "float32")],
        ["y", y],
      ]),
      webgpu,
    );
    const types = topological([...graph.values()]).flatMap(({ op, outputs }) =>
      op.name === "MaxPool" ? [] : outputs.map(({ type }) => type.dtype),
    );
    expect(types).to.include("int32").and.not.include("int64");
  });
});
