import { expect } from "chai";
import {
  apply,
  constant,
  constantOf,
  everyNode,
  float32,
  input,
  multiplyAdds,
  printGraph,
  rewrite,
  type Value,
} from "../../lib/graph/index.js";
import { gradient } from "../../lib/net/gradient.js";
import { emit } from "../../lib/onnx/emit.js";
import { ModelProto } from "../../lib/onnx/schema.js";
import { add, ConvWeightGrad, gemm, Loop, loop, maxPool, mul, relu, sumAll } from "../../lib/ops/index.js";
import { formulated, portable } from "../../lib/targets/index.js";
import { runGraph } from "../support/run-graph.js";

const ITERATIONS = 5;
const x = input("x", float32([3, 3]));
const w = input("w", float32([3, 3]));
const feeds = {
  x: Float32Array.from({ length: 9 }, (_, i) => Math.sin(i)),
  w: Float32Array.from({ length: 9 }, (_, i) => Math.cos(3 * i) / 2),
};

/** One iteration: a matrix product with a value from outside, and a running total. */
const step = (state: Value, total: Value, weights: Value) => {
  const next = relu(add(gemm(state, weights), mul(state, constant(0.37))));
  return { next, total: add(total, next) };
};

const looped = loop(
  ITERATIONS,
  { carried: [x, mul(x, constant(2))], captured: [w] },
  (_, [state, total], [weights]) => {
    const after = step(state!, total!, weights!);
    return { carried: [after.next, after.total], scans: [after.next, constant(3, [2])] };
  },
);

describe("Loop", () => {
  it("computes the same bits as its iterations written out", async () => {
    const states: Value[] = [];
    let [state, total]: Value[] = [x, mul(x, constant(2))];
    for (let i = 0; i < ITERATIONS; i++) {
      const after = step(state!, total!, w);
      [state, total] = [after.next, after.total];
      states.push(state);
    }
    const [scan, constants] = looped.scans;
    const inLoop = await runGraph(
      { state: looped.carried[0]!, total: looped.carried[1]!, scan: scan!, constants: constants! },
      feeds,
    );
    const unrolled = await runGraph(
      { total: total!, ...Object.fromEntries(states.map((each, i) => [`s${i}`, each])) },
      feeds,
    );
    expect(inLoop.total).to.deep.equal(unrolled.total);
    const all = states.flatMap((_, i) => [...(unrolled as Record<string, Float32Array>)[`s${i}`]!]);
    expect([...inLoop.scan]).to.deep.equal(all);
    expect([...inLoop.state]).to.deep.equal(all.slice(-9));
    expect([...inLoop.constants]).to.deep.equal(new Array(2 * ITERATIONS).fill(3));
    expect(new Set(all).size).to.be.greaterThan(9);
  });

  it("writes the body as a graph that reads captured values where they are, with names of its own and its outputs as nodes", () => {
    const { bytes } = emit({
      name: "t",
      outputs: new Map([
        ["y", looped.carried[1]!],
        ["constants", looped.scans[1]!],
      ]),
    });
    const { graph } = ModelProto.toObject(ModelProto.decode(bytes)) as { graph: Graph };
    const node = graph.node.find(({ op_type }) => op_type === "Loop")!;
    const body = node.attribute.find(({ name }) => name === "body")!.g!;
    expect(body.input.map(({ name }) => name)).to.deep.equal(
      ["iteration", "goes-on", "carried0", "carried1"].map((name) => `Loop/body/${name}`),
    );
    const made = body.node.flatMap(({ output }) => output);
    expect(body.output.filter(({ name }) => !made.includes(name))).to.deep.equal([]);
    expect(body.node.filter(({ op_type }) => op_type === "Constant")).to.have.length(2);
    expect(body.node.find(({ op_type }) => op_type === "Gemm")!.input).to.include("w");
    const outside = [...graph.input, ...graph.initializer]
      .map(({ name }) => name)
      .concat(graph.node.flatMap(({ output }) => output));
    expect(made.filter((name) => outside.includes(name))).to.deep.equal([]);
  });

  it("may hand on a value as it came, count its iterations, and hold another loop", async () => {
    const outer = loop(3, { carried: [x, constantOf("int64", BigInt64Array.of(0n), [])] }, (i, [value]) => {
      const inner = loop(2, { carried: [value!] }, (_, [each]) => ({ carried: [mul(each!, constant(2))] }));
      return { carried: [value!, i], scans: [inner.carried[0]!, value!] };
    });
    const [doubled, same] = outer.scans;
    const result = await runGraph({ doubled: doubled!, same: same!, last: outer.carried[1]! }, feeds);
    expect([...result.doubled]).to.deep.equal([1, 2, 3].flatMap(() => Array.from(feeds.x, (each) => 4 * each)));
    expect([...result.same]).to.deep.equal([1, 2, 3].flatMap(() => [...feeds.x]));
    expect([...(result.last as unknown as BigInt64Array)]).to.deep.equal([2n]);
  });

  it("omits optional outputs in bodies that nothing uses, and keeps those that are the body's own", async () => {
    const image = input("image", float32([1, 1, 2, 2]));
    const window = {
      kernel: [2, 2],
      strides: [1, 1],
      pads: [
        [0, 0],
        [0, 0],
      ] as const,
    };
    const { scans } = loop(1, { carried: [], captured: [image] }, (_, __, [each]) => {
      const { y, indices } = maxPool(each!, window);
      return { carried: [], scans: [y, indices!] };
    });
    const { y, indices } = await runGraph({ y: scans[0]!, indices: scans[1]! }, { image: Float32Array.of(1, 2, 4, 3) });
    expect([[...y], [...(indices as unknown as BigInt64Array)]]).to.deep.equal([[4], [2n]]);
  });

  it("is printed with its body below it", () => {
    const { carried } = loop(2, { carried: [x] }, (_, [each]) => ({ carried: [mul(each!, constant(2))] }));
    expect(printGraph(carried)).to.equal(
      [
        "x: float32[3,3] = Input()",
        "%1: float32[3,3] = Loop(x)",
        "  body(iteration: int64[], carried0: float32[3,3])",
        "    carried0: float32[3,3] = Input()",
        "    %1/1: float32[] = Constant()",
        "    %1/2: float32[3,3] = Mul(carried0, %1/1)",
        "    return %1/2",
        "return %1",
      ].join("\n"),
    );
  });

  it("is rewritten inside: a target's passes reach its body", async () => {
    const image = input("image", float32([1, 1, 4, 4]));
    const dy = input("dy", float32([1, 1, 2, 2]));
    const attrs = { strides: [1, 1], pads: [0, 0], dilations: [1, 1], group: 1, shape: [1, 1, 3, 3] };
    const zero = constant(new Float32Array(9), [1, 1, 3, 3]);
    const { carried } = loop(2, { carried: [zero], captured: [image, dy] }, (_, [total], [a, b]) => ({
      carried: [add(total!, apply(ConvWeightGrad, attrs, a!, b!))],
    }));
    const outputs = new Map([["dw", carried[0]!]]);
    const names = (values: Iterable<Value>) => [...everyNode(values)].map(({ op }) => op.name);
    expect(names(outputs.values())).to.include("ConvWeightGrad");
    expect(names((await formulated(outputs, portable)).values()))
      .to.include("Conv")
      .and.not.include("ConvWeightGrad");
    const given = { image: Float32Array.from({ length: 16 }, (_, i) => i), dy: Float32Array.of(1, 2, 3, 4) };
    const once = await runGraph({ dw: apply(ConvWeightGrad, attrs, image, dy) }, given);
    const { dw } = await runGraph({ dw: carried[0]! }, given);
    expect([...dw]).to.deep.equal(Array.from(once.dw, (each) => 2 * each));
  });

  it("stays the same node where nothing in it changes, and is checked again where something does", () => {
    expect(rewrite(looped.carried, () => undefined).get(looped.carried[0]!)).to.equal(looped.carried[0]);
    const toScalar = () =>
      rewrite(looped.carried, (node) => (node.op.name === "Relu" ? [sumAll(node.outputs[0]!)] : undefined));
    expect(toScalar).to.throw("carried value 0 of a loop is float32[], not float32[3,3]");
  });

  it("counts the multiplications of all iterations", () => {
    expect(multiplyAdds(looped.carried[0]!.node)).to.equal(ITERATIONS * 27);
  });

  it("refuses bodies that do not fit", () => {
    const body = (take: Value, give: Value) => ({
      inputs: [input("i", { dtype: "int64", shape: [] }), take],
      outputs: [give],
    });
    const of = (take: Value, give: Value, iterations = 2) =>
      apply(Loop, { iterations, carried: 1, body: body(take, give) }, x);
    const leaf = input("leaf", float32([3, 3]));
    expect(() => of(leaf, add(leaf, w))).to.throw('the body takes "w", which is not among its inputs');
    expect(() => of(relu(leaf), leaf)).to.throw("Relu is no input that a body could have");
    const short = input("leaf", float32([3]));
    expect(() => of(short, short)).to.throw("input 0 of a loop is float32[3], not float32[3,3]");
    expect(() => of(leaf, leaf, 1.5)).to.throw("a loop of 1.5 iterations");
    expect(() => loop(1, { carried: [x] }, () => ({ carried: [] }))).to.throw("gives 0 carried values, not 1");
  });

  it("has no gradient, and says so", () => {
    const y = looped.carried[0]!;
    expect(() => gradient(new Map([[y, constant(1, [3, 3])]]), [x])).to.throw("a loop has no gradient");
  });
});

interface Graph {
  readonly node: readonly {
    readonly op_type: string;
    readonly input: readonly string[];
    readonly output: readonly string[];
    readonly attribute: readonly { readonly name: string; readonly g?: Graph }[];
  }[];
  readonly input: readonly { readonly name: string }[];
  readonly output: readonly { readonly name: string }[];
  readonly initializer: readonly { readonly name: string }[];
}
