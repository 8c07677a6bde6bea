import { expect } from "chai";
import { constant, float32, input } from "../../lib/graph/index.js";
import { emit } from "../../lib/onnx/emit.js";
import { ModelProto } from "../../lib/onnx/schema.js";
import { openSession } from "../../lib/onnx/session.js";
import { add, maxPool, mul, slice } from "../../lib/ops/index.js";

interface Decoded {
  readonly opset_import: readonly { readonly version: number }[];
  readonly graph: {
    readonly node: readonly {
      readonly op_type: string;
      readonly input: string[];
      readonly output: string[];
      readonly domain: string;
    }[];
    readonly initializer: readonly { readonly name: string }[];
    readonly input: readonly { readonly name: string }[];
  };
}

const decoded = (bytes: Uint8Array) => ModelProto.toObject(ModelProto.decode(bytes), { longs: Number }) as Decoded;

describe("emit", () => {
  const x = input("x", float32([2, 3]));

  it("writes one node an op in ONNX's own domain, opset 17", () => {
    const { bytes } = emit({ name: "t", outputs: new Map([["y", add(mul(x, constant(2)), x)]]) });
    const { graph, opset_import } = decoded(bytes);
    expect(opset_import.map(({ version }) => version)).to.deep.equal([17]);
    expect(graph.node.map(({ op_type }) => op_type)).to.deep.equal(["Mul", "Add"]);
    expect(graph.node.every(({ domain }) => !domain)).to.equal(true);
  });

  it("shares small constants and declares only inputs that outputs depend on", () => {
    const y = mul(mul(x, constant(2)), constant(2));
    const { bytes, inputs } = emit({ name: "t", outputs: new Map([["y", y]]) });
    const { graph } = decoded(bytes);
    expect(graph.initializer).to.have.length(1);
    expect([...inputs.keys()]).to.deep.equal(["x"]);
  });

  it("omits pooling indices that nothing uses", () => {
    const image = input("image", float32([1, 1, 4, 4]));
    const pooled = maxPool(image, {
      kernel: [2, 2],
      strides: [2, 2],
      pads: [
        [0, 0],
        [0, 0],
      ],
    });
    const { bytes } = emit({ name: "t", outputs: new Map([["y", pooled.y]]) });
    expect(decoded(bytes).graph.node[0]!.output).to.deep.equal(["y"]);
  });

  it("gives a value two names where two outputs are the same, and passes inputs through", async () => {
    const y = slice(x, 1, 0, 2);
    await using session = await openSession(
      emit({
        name: "t",
        outputs: new Map([
          ["a", y],
          ["b", y],
          ["c", x],
        ]),
      }),
    );
    const result = await session.run({ x: Float32Array.of(1, 2, 3, 4, 5, 6) }, session.outputs);
    expect([...result["a"]!, ...result["b"]!, ...result["c"]!]).to.deep.equal([
      1, 2, 4, 5, 1, 2, 4, 5, 1, 2, 3, 4, 5, 6,
    ]);
  });

  it("writes equal bytes for equal graphs", () => {
    const build = () =>
      emit({ name: "t", outputs: new Map([["y", add(input("x", float32([2])), constant(1))]]) }).bytes;
    expect(Buffer.from(build()).equals(Buffer.from(build()))).to.equal(true);
  });

  it("refuses two inputs of one name", () => {
    const y = add(x, input("x", float32([3])));
    expect(() => emit({ name: "t", outputs: new Map([["y", y]]) })).to.throw("two inputs are named x");
  });
});
