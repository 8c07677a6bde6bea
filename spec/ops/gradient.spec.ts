import { expect } from "chai";
import { applyAll, constantOf, count, float32, input, type Op, type Value } from "../../lib/graph/index.js";
import { gradient } from "../../lib/net/gradient.js";
import { emit } from "../../lib/onnx/emit.js";
import * as ops from "../../lib/ops/index.js";
import { prng } from "../support/prng.js";
import { runGraph } from "../support/run-graph.js";

/** One use of an op: attributes, and for each input its shape and range, or (no gradient there) its integers. */
interface Case {
  readonly attrs: unknown;
  readonly inputs: readonly (Uniform | Integers)[];
}
interface Uniform {
  readonly shape: readonly number[];
  readonly from: number;
  readonly to: number;
}
interface Integers {
  readonly shape: readonly number[];
  readonly int64: readonly number[];
}

const uniform = (shape: readonly number[], from = -1, to = 1): Uniform => ({ shape, from, to });
const integers = (shape: readonly number[], values: readonly number[]): Integers => ({ shape, int64: values });
const unary = (from = -1, to = 1): readonly Case[] => [{ attrs: null, inputs: [uniform([3, 4], from, to)] }];
const binary = (from = -1, to = 1): readonly Case[] => [
  { attrs: null, inputs: [uniform([2, 3, 4], from, to), uniform([2, 3, 4], from, to)] },
  { attrs: null, inputs: [uniform([2, 3, 4], from, to), uniform([3, 1], from, to)] },
  { attrs: null, inputs: [uniform([4], from, to), uniform([2, 1, 4], from, to)] },
];
const square = { strides: [1, 1], pads: [0, 0], dilations: [1, 1], group: 1 };

type OpName = { [K in keyof typeof ops]: (typeof ops)[K] extends Op<infer _> ? K : never }[keyof typeof ops];

/** Every op is here, or this does not compile. An op without a vjp has no cases, and one with a vjp must have some. */
const cases = {
  BoundGradient: [{ attrs: { limit: 100 }, inputs: [uniform([3, 4])] }],
  LeakyRelu: [{ attrs: { alpha: 0.3 }, inputs: [uniform([3, 4])] }],
  Elu: [{ attrs: { alpha: 0.3 }, inputs: [uniform([3, 4])] }],
  PRelu: [
    { attrs: null, inputs: [uniform([2, 3, 4]), uniform([3, 1])] },
    { attrs: null, inputs: [uniform([2, 3, 4]), uniform([1])] },
  ],
  Clip: [{ attrs: null, inputs: [uniform([3, 4], -2, 2), integers([], [-1]), integers([], [1])] }],
  Add: binary(),
  Sub: binary(),
  Mul: binary(),
  Div: binary(0.5, 2),
  Pow: [{ attrs: null, inputs: [uniform([3, 4], 0.5, 2), integers([], [3])] }],
  Max: binary(),
  Min: binary(),
  Mod: [],
  Neg: unary(),
  Abs: unary(),
  Sign: [],
  Floor: [],
  Exp: unary(),
  Log: unary(0.5, 2),
  Sqrt: unary(0.5, 2),
  Sigmoid: unary(),
  Softplus: unary(-3, 3),
  Tanh: unary(),
  Cos: unary(),
  Sin: unary(),
  Acos: unary(-0.9, 0.9),
  Relu: unary(),
  Greater: [],
  GreaterOrEqual: [],
  Less: [],
  Equal: [],
  And: [],
  Or: [],
  Not: [],
  Where: [],
  StopGradient: [],
  WithGradientOf: [],
  OwnGradient: [],
  Cast: [{ attrs: { to: "float32" }, inputs: [uniform([3])] }],
  Reshape: [{ attrs: { shape: [4, 3] }, inputs: [uniform([2, 6])] }],
  Transpose: [{ attrs: { perm: [2, 0, 1] }, inputs: [uniform([2, 3, 4])] }],
  Expand: [
    { attrs: { shape: [2, 3, 4] }, inputs: [uniform([3, 1])] },
    { attrs: { shape: [5] }, inputs: [uniform([])] },
  ],
  Concat: [{ attrs: { axis: 1 }, inputs: [uniform([2, 3]), uniform([2, 1]), uniform([2, 2])] }],
  Slice: [
    { attrs: [{ axis: 1, start: 1, end: 4, step: 1 }], inputs: [uniform([2, 5])] },
    {
      attrs: [
        { axis: 1, start: 1, end: 7, step: 2 },
        { axis: 2, start: 0, end: 5, step: 3 },
      ],
      inputs: [uniform([2, 8, 6])],
    },
  ],
  Pad: [
    {
      attrs: {
        pads: [
          [1, 2],
          [0, 1],
        ],
        value: 3,
      },
      inputs: [uniform([2, 3])],
    },
    {
      attrs: {
        pads: [
          [-1, 2],
          [1, -1],
        ],
        value: 0,
      },
      inputs: [uniform([3, 3])],
    },
  ],
  Tile: [{ attrs: { repeats: [2, 1, 3] }, inputs: [uniform([2, 3, 2])] }],
  ReduceSum: [
    { attrs: { axes: [1], keepDims: false }, inputs: [uniform([2, 3, 4])] },
    { attrs: { axes: [0, 2], keepDims: true }, inputs: [uniform([2, 3, 4])] },
  ],
  ReduceMax: [{ attrs: { axes: [1], keepDims: false }, inputs: [uniform([2, 5])] }],
  CumSum: [
    { attrs: { axis: 1, exclusive: true, reverse: false }, inputs: [uniform([2, 4])] },
    { attrs: { axis: 0, exclusive: false, reverse: true }, inputs: [uniform([3, 2])] },
  ],
  Gather: [
    { attrs: { axis: 0 }, inputs: [uniform([4, 3]), integers([5], [1, 3, 1, 0, 1])] },
    { attrs: { axis: 1 }, inputs: [uniform([2, 4, 3]), integers([2, 2], [1, 3, 1, 0])] },
  ],
  GatherElements: [{ attrs: { axis: 1 }, inputs: [uniform([2, 4]), integers([2, 2], [1, 1, 3, 0])] }],
  ScatterElementsAdd: [
    { attrs: { axis: 1 }, inputs: [uniform([2, 4]), integers([2, 2], [1, 1, 3, 0]), uniform([2, 2])] },
  ],
  TopK: [{ attrs: { axis: 1, k: 2 }, inputs: [uniform([3, 5])] }],
  MatMul: [
    { attrs: null, inputs: [uniform([3, 4]), uniform([4, 2])] },
    { attrs: null, inputs: [uniform([2, 3, 4]), uniform([4, 2])] },
  ],
  Gemm: [
    { attrs: { transA: false, transB: false }, inputs: [uniform([3, 4]), uniform([4, 2]), uniform([2])] },
    { attrs: { transA: true, transB: false }, inputs: [uniform([4, 3]), uniform([4, 2])] },
    { attrs: { transA: false, transB: true }, inputs: [uniform([3, 4]), uniform([2, 4]), uniform([3, 2])] },
    { attrs: { transA: true, transB: true }, inputs: [uniform([4, 3]), uniform([2, 4])] },
  ],
  Conv: [
    { attrs: square, inputs: [uniform([2, 3, 5, 4]), uniform([2, 3, 3, 2]), uniform([2])] },
    {
      attrs: { strides: [2, 3], pads: [1, 2], dilations: [2, 1], group: 2 },
      inputs: [uniform([2, 4, 8, 9]), uniform([6, 2, 2, 3])],
    },
    {
      attrs: { strides: [2, 3], pads: [0, 0], dilations: [1, 1], group: 1 },
      inputs: [uniform([2, 3, 6, 7]), uniform([4, 3, 1, 1])],
    },
    { attrs: { strides: [3], pads: [1], dilations: [1], group: 1 }, inputs: [uniform([2, 2, 9]), uniform([3, 2, 2])] },
    // Many channels: the weight gradient by matrix products.
    {
      attrs: { strides: [2, 1], pads: [1, 2], dilations: [1, 2], group: 2 },
      inputs: [uniform([2, 96, 4, 5]), uniform([4, 48, 3, 2])],
    },
  ],
  ConvTranspose: [
    {
      attrs: { ...square, outputPadding: [0, 0] },
      inputs: [uniform([2, 3, 4, 3]), uniform([3, 2, 2, 3]), uniform([2])],
    },
    {
      attrs: { strides: [2, 3], pads: [1, 0], dilations: [1, 2], group: 2, outputPadding: [1, 0] },
      inputs: [uniform([2, 4, 3, 3]), uniform([4, 3, 3, 2])],
    },
  ],
  MaxPool: [
    {
      attrs: {
        kernel: [3, 2],
        strides: [2, 2],
        pads: [
          [1, 1],
          [0, 1],
        ],
      },
      inputs: [uniform([2, 2, 6, 5])],
    },
  ],
  AveragePool: [
    {
      attrs: {
        kernel: [3, 2],
        strides: [2, 2],
        pads: [
          [1, 1],
          [0, 1],
        ],
      },
      inputs: [uniform([2, 2, 6, 5])],
    },
    {
      attrs: {
        kernel: [2, 2],
        strides: [3, 1],
        pads: [
          [0, 0],
          [0, 0],
        ],
      },
      inputs: [uniform([1, 2, 7, 4])],
    },
  ],
  LRN: [
    { attrs: { size: 3, alpha: 0.5, beta: 0.75, bias: 1 }, inputs: [uniform([2, 5, 2, 3])] },
    { attrs: { size: 5, alpha: 2, beta: 0.5, bias: 2 }, inputs: [uniform([1, 4, 1, 3])] },
    { attrs: { size: 3, alpha: 1, beta: 1, bias: 1 }, inputs: [uniform([2, 3, 2, 2])] },
    { attrs: { size: 3, alpha: 0.5, beta: 0.3, bias: 1 }, inputs: [uniform([2, 3, 2, 2])] },
  ],
  Softmax: [{ attrs: { axis: 1 }, inputs: [uniform([2, 4, 3])] }],
  LogSoftmax: [{ attrs: { axis: 1 }, inputs: [uniform([2, 4, 3])] }],
  // Gradients themselves, which nothing differentiates again.
  ChannelAffine: [
    { attrs: null, inputs: [uniform([2, 3, 2, 2]), uniform([3]), uniform([3])] },
    { attrs: null, inputs: [uniform([4, 3]), uniform([3])] },
  ],
  BatchNormalize: [
    { attrs: { eps: 1e-5 }, inputs: [uniform([3, 2, 2, 3])] },
    { attrs: { eps: 0.5 }, inputs: [uniform([5, 3])] },
  ],
  BatchNormalizeGrad: [],
  ChannelDot: [],
  ConvInputGrad: [],
  ConvWeightGrad: [],
  MaxPoolGrad: [],
  AveragePoolGrad: [],
  ReluGrad: [],
  LRNGrad: [],
  // Refuses to be differentiated.
  Loop: [],
} as const satisfies Record<OpName, readonly Case[]>;

/** Ops that have a vjp and a reason for having no case of the table's kind. */
const elsewhere = new Set<OpName>(["Where", "OwnGradient", "Pow", "WithGradientOf", "Loop"]);

describe("ops", () => {
  for (const [name, list] of Object.entries(cases) as [OpName, readonly Case[]][]) {
    const op = ops[name] as Op;
    if (list.length === 0 && !elsewhere.has(name)) {
      it(`${name} has no gradient`, () => expect(op.vjp).to.equal(undefined));
    }
    list.forEach((example, i) => {
      it(`${name} has the gradient that differences show (${i + 1})`, () => checkGradient(op, example));
    });
  }

  it("WithGradientOf has the gradient of a value that it does not compute", async () => {
    const x = input("x", float32([2]));
    const y = ops.withGradientOf(ops.floor(x), ops.mul(x, ops.log(x)));
    expect([...emit({ name: "y", outputs: new Map([["y", y]]) }).bytes].join()).to.not.include(
      [..."Log"].map((c) => c.charCodeAt(0)).join(),
    );
    const [dx] = gradient(new Map([[y, input("dy", float32([2]))]]), [x]);
    const result = await runGraph({ y, dx: dx! }, { x: Float32Array.of(1, 2.5), dy: Float32Array.of(1, 2) });
    expect([...result.y]).to.deep.equal([1, 2]);
    expect(result.dx[0]).to.equal(1);
    expect(result.dx[1]).to.be.closeTo(2 * (1 + Math.log(2.5)), 1e-6);
  });

  it("Where passes the gradient to the chosen side", async () => {
    const [a, b] = [input("a", float32([3])), input("b", float32([3]))];
    const y = ops.where(ops.greater(a, b), a, b);
    const [da, db] = gradient(new Map([[y, input("dy", float32([3]))]]), [a, b]);
    const feeds = { a: Float32Array.of(1, 2, 3), b: Float32Array.of(2, 1, 0), dy: Float32Array.of(5, 6, 7) };
    const result = await runGraph({ da: da!, db: db! }, feeds);
    expect([...result.da, ...result.db]).to.deep.equal([0, 6, 7, 5, 0, 0]);
  });
});

/** Central differences in float32: with a step of 2^-7 both their errors stay near 1e-4 of the result. */
const STEP = 2 ** -7;

async function checkGradient(op: Op, { attrs, inputs }: Case): Promise<void> {
  const random = prng(7);
  const leaves: Value[] = inputs.map((spec, i) =>
    "int64" in spec ? integerLeaf(op, spec) : input(`x${i}`, float32(spec.shape)),
  );
  const y = applyAll(op, attrs, ...leaves)[0]!;
  const dy = input("dy", float32(y.type.shape));
  const wrt = leaves.filter((_, i) => !("int64" in inputs[i]!));
  const names = inputs.flatMap((spec, i) => ("int64" in spec ? [] : [`x${i}`]));
  const gradients = gradient(new Map([[y, dy]]), wrt);
  const feeds: Record<string, Float32Array> = {};
  const direction: Record<string, Float32Array> = {};
  inputs.forEach((spec, i) => {
    if ("int64" in spec) return;
    feeds[`x${i}`] = spread(spec, 0.3 + 0.37 * i, random);
    direction[`x${i}`] = Float32Array.from({ length: count(spec.shape) }, () => random() - 0.5);
  });
  feeds["dy"] = Float32Array.from({ length: count(y.type.shape) }, () => random() + 0.5);
  const moved = (by: number) => ({
    ...feeds,
    ...Object.fromEntries(names.map((n) => [n, feeds[n]!.map((value, j) => value + by * direction[n]![j]!)])),
  });
  const inner = (values: Float32Array, by: Float32Array) => values.reduce((sum, v, j) => sum + v * by[j]!, 0);
  const up = inner((await runGraph({ y }, moved(STEP))).y, feeds["dy"]);
  const down = inner((await runGraph({ y }, moved(-STEP))).y, feeds["dy"]);
  const exact = await runGraph(Object.fromEntries(names.map((n, k) => [`grad/${n}`, gradients[k]!])), feeds);
  const slope = names.reduce((sum, n) => sum + inner(exact[`grad/${n}`]!, direction[n]!), 0);
  expect(slope).to.be.closeTo((up - down) / (2 * STEP), 2e-3 * Math.max(1, Math.abs(slope)));
}

/**
 * Values in even steps, each input's set apart from the others' by `offset` steps: a kink or a tie (Abs, Max, pooling)
 * that a small move crosses would spoil the difference.
 */
function spread({ shape, from, to }: Uniform, offset: number, random: () => number): Float32Array {
  const n = count(shape);
  const ranks = Array.from({ length: n }, (_, i) => i).sort(() => random() - 0.5);
  return Float32Array.from(ranks, (rank) => from + ((to - from) * (rank + offset)) / n);
}

/** Integers as int64, or as float32 where the op takes numbers of the same type as its first input (Pow, Clip). */
function integerLeaf(op: Op, { shape, int64 }: Integers): Value {
  if (op === (ops.Pow as unknown as Op) || op === (ops.Clip as unknown as Op))
    return constantOf("float32", Float32Array.from(int64), shape);
  return constantOf("int64", BigInt64Array.from(int64, BigInt), shape);
}
