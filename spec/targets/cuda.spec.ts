import { expect } from "chai";
import {
  constant,
  constantOf,
  count,
  float32,
  input,
  isOp,
  printGraph,
  rewrite,
  strides as rowMajor,
  type Value,
} from "../../lib/graph/index.js";
import { gradient } from "../../lib/net/gradient.js";
import { MaxPool, maxPool, type PoolAttrs } from "../../lib/ops/index.js";
import { maxRoiPool } from "../../lib/ops/roi-pool.js";
import { acosByPolynomial } from "../../lib/targets/cuda/acos.js";
import { cudaTarget } from "../../lib/targets/cuda/index.js";
import { formulated, portable } from "../../lib/targets/index.js";
import { prng } from "../support/prng.js";
import { runGraph } from "../support/run-graph.js";

/** All tuples below some limits, the last place stepping fastest. */
function* tuples(limits: readonly number[]): Generator<readonly number[]> {
  const total = count(limits);
  const steps = rowMajor(limits);
  for (let i = 0; i < total; i++) yield limits.map((limit, axis) => Math.floor(i / steps[axis]!) % limit);
}

/**
 * Max pooling as CUDA's kernel does it: a window is scanned with its first axis in the inner loop and its last in the outer one, and only a
 * strictly greater entry replaces the maximum; indices are row-major offsets in x.
 */
function scanned(
  x: Float32Array,
  shape: readonly number[],
  { kernel, strides, pads }: PoolAttrs,
  pooled: readonly number[],
) {
  const y = new Float32Array(count(pooled));
  const indices = new BigInt64Array(count(pooled));
  const steps = rowMajor(shape);
  let at = 0;
  for (const [n, c, ...place] of tuples(pooled)) {
    let best = Number.NEGATIVE_INFINITY;
    for (const turned of tuples(kernel.toReversed())) {
      const inside = turned.toReversed().map((k, i) => place[i]! * strides[i]! - pads[i]![0] + k);
      if (inside.some((i, axis) => i < 0 || i >= shape[axis + 2]!)) continue;
      const offset = [n!, c!, ...inside].reduce((sum, i, axis) => sum + i * steps[axis]!, 0);
      if (x[offset]! <= best) continue;
      best = x[offset]!;
      indices[at] = BigInt(offset);
    }
    y[at++] = best;
  }
  return { y, indices };
}

/** A graph of one pooling with what CUDA's kernel would give in place of its node. */
async function onCuda(outputs: ReadonlyMap<string, Value>, feeds: Readonly<Record<string, Float32Array>>) {
  const become = new Map<Value, readonly Value[]>();
  for (const value of outputs.values())
    rewrite([value], (node) => {
      if (isOp(node, MaxPool)) become.set(node.outputs[0]!, node.outputs);
      return undefined;
    });
  expect(become.size).to.equal(1);
  const [{ node }] = [...become.keys()] as [Value];
  const x = node.inputs[0]!;
  const { values } = await runGraph({ values: x }, feeds);
  const attrs = node.attrs as PoolAttrs;
  const pooled = scanned(values, x.type.shape, attrs, node.outputs[0]!.type.shape);
  const given = [
    constant(pooled.y, node.outputs[0]!.type.shape),
    constantOf("int64", pooled.indices, node.outputs[1]!.type.shape),
  ];
  const after = rewrite(outputs.values(), (each) => (each === node ? given : undefined));
  return new Map([...outputs].map(([name, value]) => [name, after.get(value)!]));
}

describe("the CUDA target", () => {
  const geometries: readonly (PoolAttrs & { readonly shape: readonly number[] })[] = [
    {
      shape: [2, 3, 6, 6],
      kernel: [2, 2],
      strides: [2, 2],
      pads: [
        [0, 0],
        [0, 0],
      ],
    },
    {
      shape: [2, 2, 7, 9],
      kernel: [3, 3],
      strides: [2, 2],
      pads: [
        [0, 1],
        [0, 1],
      ],
    },
    {
      shape: [1, 2, 8, 5],
      kernel: [3, 2],
      strides: [1, 2],
      pads: [
        [1, 0],
        [0, 1],
      ],
    },
    {
      shape: [1, 2, 4, 5, 6],
      kernel: [2, 2, 3],
      strides: [2, 1, 2],
      pads: [
        [0, 0],
        [1, 0],
        [0, 1],
      ],
    },
  ];
  for (const { shape, ...attrs } of geometries) {
    it(`gives a pooling's gradient to the first of equal maxima in row order: [${shape}], kernel ${attrs.kernel}`, async () => {
      const x = input("x", float32(shape));
      const { y } = maxPool(x, attrs);
      const dy = input("dy", float32(y.type.shape));
      const outputs = new Map([
        ["y", y],
        ["dx", gradient(new Map([[y, dy]]), [x])[0]!],
      ]);
      const draw = prng(7);
      const feeds = {
        // Of five values, so that most windows have ties.
        x: Float32Array.from({ length: count(shape) }, () => Math.floor(5 * draw())),
        dy: Float32Array.from({ length: count(y.type.shape) }, (_, i) => i + 1),
      };
      const wanted = await runGraph(Object.fromEntries(await formulated(outputs, portable)), feeds);
      const own = await onCuda(await formulated(outputs, cudaTarget), feeds);
      expect(await runGraph(Object.fromEntries(own), feeds)).to.deep.equal(wanted);
      // The portable form would go wrong there: the trial is one.
      const wrong = await onCuda(await formulated(outputs, portable), feeds);
      expect((await runGraph(Object.fromEntries(wrong), feeds))["dx"]).to.not.deep.equal(wanted["dx"]);
    });
  }

  it("pools boxes without the node that CUDA has no kernel of, to the same bits", async () => {
    const [r, shape] = [6, [2, 3, 7, 9]];
    const x = input("x", float32(shape));
    const rois = input("rois", float32([r, 5]));
    const draw = prng(5);
    const feeds = {
      x: Float32Array.from({ length: count(shape) }, () => draw() - 0.5),
      // Inside, over the edges, and beside the image: cells without an entry are 0.
      rois: Float32Array.of(
        0,
        0,
        0,
        5,
        4,
        1,
        1,
        2,
        7,
        6,
        1,
        6,
        5,
        12,
        9,
        0,
        3,
        3,
        3,
        3,
        1,
        20,
        20,
        24,
        24,
        0,
        -4,
        -4,
        2,
        3,
      ),
    };
    for (const attrs of [
      { pooled: [2, 3], scale: 1 },
      { pooled: [3, 1], scale: 0.7 },
    ] as const) {
      const outputs = new Map([["y", maxRoiPool(x, rois, attrs)]]);
      const own = await formulated(outputs, cudaTarget);
      expect(printGraph([...own.values()])).to.not.include("MaxRoiPool");
      expect(await runGraph(Object.fromEntries(own), feeds)).to.deep.equal(
        await runGraph(Object.fromEntries(outputs), feeds),
      );
    }
  });
});

describe("the arc cosine on CUDA", () => {
  it("is a polynomial that differs from the angle by rounding alone", async () => {
    const x = Float32Array.from({ length: 2001 }, (_, i) => i / 1000 - 1);
    const found = await runGraph({ y: acosByPolynomial(input("x", float32([2001]))) }, { x });
    const apart = [...found["y"]!].map((value, i) => Math.abs(value - Math.acos(x[i]!)));
    expect(Math.max(...apart)).to.be.below(1e-6);
  });
});
