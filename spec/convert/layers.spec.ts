import { expect } from "chai";
import { Net, type Tensor } from "../../lib/api/net.js";
import { convert } from "../../lib/convert/index.js";
import { conversionOf } from "../../lib/convert/net.js";
import { count } from "../../lib/graph/index.js";
import { catalog, type LayerType, layerTypes } from "../../lib/layers/index.js";
import { ModelProto } from "../../lib/onnx/schema.js";
import { type Bottom, type Case, layerCases, odd } from "../support/layer-cases.js";
import { inputLayer } from "../support/net.js";
import { prng } from "../support/prng.js";

const given = (shape: readonly number[], values: readonly number[]): Bottom => ({ shape, given: values });

/** Uses of the types that gradients are not known of, as far as they are not in a table of their own below. */
const MORE: Readonly<Record<string, readonly Case[]>> = {
  ArgMax: [{}, { param: "argmax_param { axis: 1 top_k: 2 }" }],
  BoxAnnotatorOHEM: [
    {
      bottoms: [[3, 5], [3, 1, 1, 1], [3], [3, 4]],
      tops: 2,
      param: "box_annotator_ohem_param { roi_per_img: 2 }",
    },
  ],
  ImResize: [{ bottoms: [[2, 2, 5, 7]], param: "imresize_param { factor: 2 scale_gap: 0.4 }" }],
  MaskResize: [{ bottoms: [[2, 1, 3, 4]], param: "mask_resize_param { output_height: 5 output_width: 2 }" }],
  Nms: [{ bottoms: [[1, 2, 6, 7]], param: "nms_param { threshold: -0.5 max_peaks: 4 num_parts: 2 }" }],
  MTCNNEuclideanLoss: [
    {
      bottoms: [
        [3, 4],
        [3, 4],
      ],
    },
  ],
  Hotspot: [
    {
      bottoms: [given([2, 4], [1, 2, -3, 0.5, 0, 0, 2, -2])],
      param: "hotspot_param { output_height: 6 output_width: 5 data_height: 10 data_width: 12 }",
    },
  ],
  RankLoss: [{ bottoms: [[4], given([4], [1, 0, 2, 3])] }],
  ROIWarping: [
    {
      bottoms: [[2, 2, 5, 6], given([2, 5], [0, 1, 1, 4, 3, 1, 0, 2, 5, 4])],
      param: "roi_warping_param { pooled_h: 2 pooled_w: 3 }",
    },
  ],
  RBM: [{ bottoms: [[3, 4]], param: "rbm_param { num_output: 2 }" }],
  CTCGreedyDecoder: [{ bottoms: [[3, 2, 4], given([3, 2], [0, 0, 1, 1, 1, 1])] }],
  CTCLoss: [{ bottoms: [[3, 2, 4], given([3, 2], [0, 0, 1, 1, 1, 1]), given([3, 2], [1, 0, -1, 2, -1, -1])] }],
  CtcLoss: [{ bottoms: [[3, 2, 4], given([2, 1], [1, 2])], param: "ctc_loss_param { alphabet_size: 4 time_step: 3 }" }],
  WarpCTCLoss: [{ bottoms: [[3, 2, 4], given([2, 1], [1, 2])] }],
  RegionLoss: [
    {
      bottoms: [[1, 16, 2, 2], given([1, 5], [1, 0.3, 0.6, 0.4, 0.5])],
      param: "region_loss_param { side: 2 num_class: 3 num: 2 biases: 1 biases: 1 biases: 2 biases: 2 }",
    },
  ],
  Yolov3: [
    {
      bottoms: [[1, 16, 2, 2], given([1, 5], [1, 0.3, 0.6, 0.4, 0.5])],
      param: `yolov3_param { side: 2 num_class: 3 num: 2 biases: 9 biases: 9 biases: 20 biases: 20 mask: 0 mask: 1 anchors_scale: 32 }`,
    },
  ],
  CenterLoss: [{ bottoms: [[3, 4], given([3], [0, 1, 0])], param: "center_loss_param { num_output: 2 }" }],
  DiceLoss: [{ bottoms: [[2, 3, 4], given([2, 4], [0, 1, 2, 1, 0, 0, 1, 2])] }],
  DetectionOutput: [
    {
      bottoms: [[1, 8], [1, 4], given([1, 2, 8], [0, 0, 0.5, 0.5, 0.2, 0.2, 0.9, 0.9, 1, 1, 1, 1, 1, 1, 1, 1])],
      param: "detection_output_param { num_classes: 2 confidence_threshold: -1 }",
    },
  ],
  MarginInnerProduct: [
    {
      bottoms: [[3, 4], given([3], [0, 1, 0])],
      param: "margin_inner_product_param { num_output: 2 type: QUADRUPLE }",
    },
  ],
  PriorBox: [
    { bottoms: [odd, [3, 1, 20, 30]], param: "prior_box_param { min_size: 4 }" },
    { bottoms: [odd, [3, 1, 20, 30]], param: "prior_box_param { fixed_size: 9 density: 2 }" },
  ],
  Proposal: [{ bottoms: [[1, 18, 3, 4], [1, 36, 3, 4], given([1, 3], [48, 64, 1])] }],
  ContinuationIndicator: [{ bottoms: [], param: "continuation_indicator_param { time_step: 3 batch_size: 2 }" }],
  Python: [
    {
      bottoms: [[1, 18, 3, 4], [1, 36, 3, 4], given([1, 3], [48, 64, 1])],
      param: `python_param { module: "rpn.proposal_layer" layer: "ProposalLayer" param_str: "'feat_stride': 16" }`,
    },
  ],
  Threshold: [{ param: "threshold_param { threshold: 0.25 }" }],
  YoloDetectionOutput: [
    {
      bottoms: [[1, 16, 2, 2]],
      param:
        "yolo_detection_output_param { num_classes: 3 num_box: 2 biases: 1 biases: 1 biases: 2 biases: 2 confidence_threshold: 0.1 }",
    },
  ],
  Yolov3DetectionOutput: [
    {
      bottoms: [[1, 16, 2, 2]],
      param: `yolov3_detection_output_param { num_classes: 3 num_box: 2 biases: 9 biases: 9 biases: 20 biases: 20 mask: 0 mask: 1
        mask_group_num: 1 anchors_scale: 32 confidence_threshold: 0.1 }`,
    },
  ],
};

const casesOf = (type: string): readonly Case[] => {
  const known = layerCases[type as keyof typeof layerCases] as readonly Case[] | string;
  return typeof known === "string" ? (MORE[type] ?? []) : known;
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
