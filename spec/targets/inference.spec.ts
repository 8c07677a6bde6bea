import { expect } from "chai";
import { count, float32, input, topological, type Value } from "../../lib/graph/index.js";
import { buildSession } from "../../lib/onnx/build.js";
import { lrn } from "../../lib/ops/index.js";
import {
  FoldedWeights,
  formulate,
  type InferenceContext,
  type InferenceForm,
  inference,
  type Pass,
  portable,
  standardInference,
} from "../../lib/targets/index.js";
import { prng } from "../support/prng.js";

const form: InferenceForm = { fold: true, halves: undefined, int8: undefined };
const int8 = { stored: new Map(), layers: [], left: new Map() } as unknown as InferenceForm["int8"];
const names = (passes: readonly Pass<InferenceContext>[]) => passes.map(({ name }) => name);
const ofFile = (other: Partial<InferenceForm>) => names(standardInference({ ...form, ...other }).passes);

const context: InferenceContext = {
  leaves: new Map(),
  layers: [],
  foldedWeights: new FoldedWeights(),
  openDims: false,
  evaluate: () => Promise.reject(new Error("nothing here is constant")),
};

describe("the targets of inference", () => {
  const constants = ["weights", "drop-gradients", "fold-constants", "drop-neutral"];

  it("have named passes in their order: what a converted file is made by", () => {
    expect(ofFile({})).to.deep.equal(["mixed-lrn", "batch-norm", ...constants, "fold-affine"]);
    expect(ofFile({ halves: new Map() })).to.deep.equal([
      "mixed-lrn",
      "batch-norm",
      ...constants,
      "fold-affine",
      "half",
    ]);
    expect(ofFile({ int8 })).to.deep.equal(["mixed-lrn", "batch-norm", ...constants, "fold-affine", "int8"]);
  });

  it("have as few passes as the form asks for", () => {
    expect(ofFile({ fold: false })).to.deep.equal(["mixed-lrn", "batch-norm", ...constants]);
  });

  it("fold in netrun too, and formulate as training does", () => {
    expect(names(inference.passes)).to.deep.equal([...constants, "fold-affine", ...names(portable.passes)]);
  });

  it("keep names of values inside, of those that are still there", async () => {
    const x = input("x", float32([1, 64, 2, 2]));
    const y = lrn(x, { size: 5, alpha: 1, beta: 0.75, bias: 1 });
    const unused = lrn(x, { size: 3, alpha: 1, beta: 0.75, bias: 1 });
    const graph = { outputs: new Map([["y", y]]), blobs: new Map(Object.entries({ x, y, unused })) };
    const { outputs, blobs } = await formulate(graph, standardInference(form), context);
    expect([...blobs.keys()]).to.deep.equal(["x", "y"]);
    expect(blobs.get("y")).to.equal(outputs.get("y"));
    expect(blobs.get("y")).to.not.equal(y);
  });

  it("write LRN over 64 to 1024 channels as a mixture of them, to the same numbers", async () => {
    const opsOf = async (channels: number) => {
      const x = input("x", float32([1, channels, 1, 1]));
      const outputs = new Map([["y", lrn(x, { size: 5, alpha: 1, beta: 0.75, bias: 1 })]]);
      const graph = await formulate({ outputs, blobs: new Map() }, standardInference(form), context);
      return topological(graph.outputs.values()).map(({ op }) => op.name);
    };
    expect(await opsOf(63)).to.include("LRN");
    expect(await opsOf(64)).to.include("ChannelMix");
    expect(await opsOf(1024)).to.include("ChannelMix");
    expect(await opsOf(1025)).to.include("LRN");
    const x = input("x", float32([2, 64, 3, 3]));
    const y = lrn(x, { size: 5, alpha: 0.5, beta: 0.75, bias: 2 });
    const [expected, actual] = [await run(y, portable), await run(y, standardInference(form))];
    actual.forEach((value, i) => {
      // Powers and roots round otherwise.
      expect(value).to.be.closeTo(expected[i]!, 1e-6);
    });
  });
});

async function run(y: Value, target: { readonly passes: readonly Pass<InferenceContext>[] }): Promise<Float32Array> {
  const of = { provider: "any", mode: "inference", ...target } as const;
  const { outputs } = await formulate({ outputs: new Map([["y", y]]), blobs: new Map() }, of, context);
  await using session = await buildSession({ name: "t", outputs });
  const random = prng(3);
  const x = Float32Array.from({ length: count(y.type.shape) }, () => random() * 4 - 2);
  return (await session.run({ x }, ["y"]))["y"]!;
}
