import { expect } from "chai";
import { apply, everyNode, float32, input, topological } from "../../lib/graph/index.js";
import { emit } from "../../lib/onnx/emit.js";
import { ConvWeightGrad, conv, LRN, loop, ReluGrad } from "../../lib/ops/index.js";
import { formulated, nodePass, type Pass, portable } from "../../lib/targets/index.js";

const attrs = { strides: [1, 1], pads: [0, 0], dilations: [1, 1], group: 1 };
const x = input("x", float32([2, 3, 5, 5]));
const dy = input("dy", float32([2, 4, 3, 3]));
const gradient = apply(ConvWeightGrad, { ...attrs, shape: [4, 3, 3, 3] }, x, dy);

describe("the portable target", () => {
  it("leaves no op at the level of meaning, and no type changed", async () => {
    const dw = (await formulated(new Map([["dw", gradient]]), portable)).get("dw")!;
    expect(topological([dw]).map(({ op }) => op.name)).to.not.include("ConvWeightGrad");
    expect(dw.type).to.deep.equal(gradient.type);
  });

  it("is what a gradient needs before it can be written", async () => {
    const outputs = new Map([["dw", gradient]]);
    expect(() => emit({ name: "t", outputs })).to.throw("ConvWeightGrad is not an ONNX node");
    expect(emit({ name: "t", outputs: await formulated(outputs, portable) }).outputs).to.deep.equal(["dw"]);
  });

  it("has named passes, each once", () => {
    const names = portable.passes.map(({ name }) => name);
    expect(names).to.deep.equal([
      "conv-input-grad",
      "conv-weight-grad",
      "relu-grad",
      "max-pool-grad",
      "average-pool-grad",
      "lrn",
      "lrn-grad",
      "channel-affine",
      "channel-dot",
      "batch-norm",
      "batch-norm-grad",
      "update",
      "empty-constants",
    ]);
  });

  it("runs passes in their order, each on what the one before gave", async () => {
    const order: string[] = [];
    const seen = (name: string) =>
      nodePass(name, (node) => {
        if (node.inputs.length > 0) order.push(name);
        return undefined;
      });
    const w = input("w", float32([4, 3, 3, 3]));
    await formulated(new Map([["y", conv(x, w, attrs)]]), { ...portable, passes: [seen("a"), seen("b")] });
    expect(order).to.deep.equal(["a", "b"]);
  });

  it("skips passes for ops that are not in the graph after the pass before", async () => {
    const order: string[] = [];
    const about = (pass: Pass, note = pass.name): Pass => ({
      ...pass,
      apply(outputs, context) {
        order.push(note);
        return pass.apply(outputs, context);
      },
    });
    const [weights] = portable.passes.filter(({ ops }) => ops?.some((op) => op.name === "ConvWeightGrad"));
    const passes = [
      about({ ...weights!, ops: [LRN] }, "no LRN there"),
      about(weights!, "weights"),
      about({ ...weights! }, "none is left"),
      about({ name: "all", apply: (outputs) => new Map(outputs.map((value) => [value, value])) }),
    ];
    const made = await formulated(new Map([["dw", gradient]]), { ...portable, passes });
    expect(order).to.deep.equal(["weights", "all"]);
    expect(made).to.not.deep.equal(new Map([["dw", gradient]]));
  });

  it("looks for ops in the bodies of loops too", async () => {
    const { carried } = loop(2, { carried: [dy] }, (_, [each]) => ({ carried: [apply(ReluGrad, null, each!, each!)] }));
    const looped = carried[0]!;
    const made = (await formulated(new Map([["y", looped]]), portable)).get("y")!;
    expect([...everyNode([made])].map(({ op }) => op.name)).to.not.include("ReluGrad");
  });
});
