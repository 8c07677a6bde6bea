import { expect } from "chai";
import { Net, type Tensor } from "../../lib/api/net.js";
import { convert } from "../../lib/convert/index.js";
import { conversionOf } from "../../lib/convert/net.js";
import { count } from "../../lib/graph/index.js";
import { catalog, type LayerType, layerTypes } from "../../lib/layers/index.js";
import { ModelProto } from "../../lib/onnx/schema.js";
import { type Bottom, type Case, layerCases, odd } from "../support/layer-cases.js";
import { inputLayer } from "../support/net.js";
import { otherCases } from "../support/other-cases.js";
import { prng } from "../support/prng.js";

const casesOf = (type: string): readonly Case[] => {
  const known = layerCases[type as keyof typeof layerCases] as readonly Case[] | string;
  return typeof known === "string" ? (otherCases[type] ?? []) : known;
};

const tensorOf = (bottom: Bottom, random: () => number): Tensor => {
  const shape = "shape" in bottom ? bottom.shape : bottom;
  if ("given" in bottom) return { shape, data: Float32Array.from(bottom.given) };
  const { from, to } = "from" in bottom ? bottom : { from: -1, to: 1 };
  return { shape, data: Float32Array.from({ length: count(shape) }, () => from + (to - from) * random()) };
};

/** Converts a net of one layer with random weights; losses come after a layer that leaves something to predict. */
async function converted(type: string, { bottoms = [odd], param = "", tops = 1 }: Case) {
  const random = prng(11);
  const tensors = bottoms.map((bottom) => tensorOf(bottom, random));
  const inputs = tensors.map(({ shape }, i) => inputLayer(`x${i}`, ...shape)).join("");
  const isLoss = conversionOf(type) === "prediction";
  const before = isLoss
    ? `layer { name: "b" type: "Power" bottom: "x0" top: "b" power_param { scale: 0.5 shift: 0.5 } }`
    : "";
  const ends = Array.from({ length: tops }, (_, i) => `top: "y${i}"`).join(" ");
  const names = tensors.map((_, i) => `bottom: "${isLoss && i === 0 ? "b" : `x${i}`}"`).join(" ");
  const text = `${inputs} ${before} layer { name: "l" type: "${type}" ${names} ${ends} ${param} }`;
  await using net = await Net.load(text);
  for (const { data } of [...net.params.values()].flat()) data.set(data.map(() => 0.5 + 0.5 * random()));
  const batch = Object.fromEntries(tensors.map((tensor, i) => [`x${i}`, tensor]));
  return convert(text, net.stored(), { verify: [batch] });
}

describe("the table of supported layers agrees with conversion of", () => {
  for (const { type } of catalog()) {
    const kind = conversionOf(type);
    if (kind !== "yes" && kind !== "prediction") continue;
    it(`${type} (${kind})`, async () => {
      const cases = casesOf(type);
      expect(cases, "uses to try").not.to.have.length(0);
      for (const example of cases) {
        const { report } = await converted(type, example);
        for (const { output, absolute, within } of report.verification!)
          expect(within, `${example.param} ${output}: ${absolute}`).to.equal(true);
      }
    });
  }

  const product = `layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param { num_output: 2 } }`;
  for (const [type, param] of [
    ["DummyData", "dummy_data_param { shape { dim: 2 dim: 3 } shape { dim: 2 } }"],
    ["Data", `data_param { source: "none" batch_size: 2 }`],
    ["HDF5Data", `hdf5_data_param { source: "none" batch_size: 2 }`],
    ["ImageData", `image_data_param { source: "none" batch_size: 2 }`],
    ["Input", "input_param { shape { dim: 2 dim: 3 } shape { dim: 2 } }"],
    ["MemoryData", "memory_data_param { batch_size: 2 channels: 3 height: 1 width: 1 }"],
    ["WindowData", `window_data_param { source: "none" batch_size: 2 }`],
  ] as const) {
    it(`${type} (input)`, async () => {
      expect(conversionOf(type)).to.equal("input");
      const shapes = ["DummyData", "Input", "MemoryData"].includes(type) ? {} : { x: [2, 3] };
      const text = `layer { name: "d" type: "${type}" top: "x" top: "label" ${param} } ${product}`;
      const { report } = await convert(text, [], { allowMissing: true, shapes });
      expect([Object.keys(report.inputs), report.inputs["x"]!.slice(0, 2)]).to.deep.equal([["x"], ["N", 3]]);
    });
  }

  for (const [type, fields] of [
    ["Accuracy", `bottom: "ip" bottom: "label" top: "accuracy"`],
    ["HDF5Output", `bottom: "ip" bottom: "label" hdf5_output_param { file_name: "none" }`],
    ["Silence", `bottom: "label"`],
  ] as const) {
    it(`${type} (removed)`, async () => {
      expect(conversionOf(type)).to.equal("left out");
      const text = `${inputLayer("x", 2, 3)} ${inputLayer("label", 2)} ${product} layer { name: "l" type: "${type}" ${fields} }`;
      const { model, report } = await convert(text, [], { allowMissing: true });
      expect(report.outputs).to.deep.equal({ ip: ["N", 2] });
      const { graph } = ModelProto.decode(model) as unknown as { graph: { node: readonly { name: string }[] } };
      expect(graph.node.map(({ name }) => name)).to.deep.equal(["ip"]);
    });
  }

  for (const [what, layers] of [
    ["a layer without tops that nobody knows", `layer { name: "l" type: "NobodysDump" bottom: "ip" bottom: "label" }`],
    [
      "a Python layer that looks on",
      `layer { name: "l" type: "Python" bottom: "ip" python_param { module: "m" layer: "Watch" } }`,
    ],
    [
      "a decay of outputs in place",
      `layer { name: "o" type: "OutputDecay" bottom: "ip" top: "ip" output_decay_param { output_decay: 1e-10 } }`,
    ],
    [
      "layers of what only training makes",
      `layer { name: "l" type: "EuclideanLoss" bottom: "ip" bottom: "label" top: "loss" }
       layer { name: "w" type: "NobodysWeight" bottom: "loss" bottom: "ip" top: "w" } layer { name: "s" type: "Power" bottom: "w" top: "s" }`,
    ],
  ] as const)
    it(`${what} (removed)`, async () => {
      const text = `${inputLayer("x", 2, 3)} ${inputLayer("label", 2, 2)} ${product} ${layers}`;
      const { report } = await convert(text, [], { allowMissing: true });
      expect(report.outputs).to.deep.equal({ ip: ["N", 2] });
    });
});

describe("the table of supported layers is true: what it says to train", () => {
  it("has a gradient that differences show, or nothing to learn from, but where it is for inference only", () => {
    for (const [type, cases] of Object.entries<readonly Case[] | string>(layerCases)) {
      const definition = layerTypes[type as keyof typeof layerTypes] as LayerType;
      const inferenceOnly = "inferenceOnly" in definition && definition.inferenceOnly === true;
      expect(inferenceOnly, type).to.equal(cases === "is for inference only");
    }
  });
});
