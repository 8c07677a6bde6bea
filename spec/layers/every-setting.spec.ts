import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type protobuf from "protobufjs/light.js";
import { loadNet } from "../../lib/caffe/load.js";
import { type MessageName, reflect } from "../../lib/caffe/schema.js";
import { feedSpec, hasFeed } from "../../lib/data/feed/feed.js";
import { NetrunError } from "../../lib/error.js";
import { bodiesOf } from "../../lib/graph/body.js";
import { topological, type Value } from "../../lib/graph/index.js";
import { catalog, type PhaseName } from "../../lib/layers/index.js";
import { type LoweredNet, lower } from "../../lib/net/lower.js";
import { freshFolder } from "../support/folder.js";
import { type Case, caseNet, layerCases } from "../support/layer-cases.js";

const FUSED = "belongs to relu, of which cases are elsewhere";
const DROPPED = "belongs to dropout, of which cases are elsewhere";
const PRE_FIXED = "belongs to normalization: PRE_FIXED, of which cases are elsewhere";
const SEGNET = "SegNet's, whose SoftmaxWithLoss alone reads it";
const UNREAD = "the fork does not read it";
const TRAINING = "the fork computes in training alone";

/** Settings that neither change what any case of a type computes nor are refused there, each with its reason; "*": of all types. */
const SILENT: Readonly<Record<string, string>> = {
  "*.class_balanced": "HED's, whose SigmoidCrossEntropyLoss alone reads it",
  "*.class_weighting": SEGNET,
  "*.debug_info": "what is printed",
  "*.engine": "which library computes the layer",
  "*.filter_group": "C3D's: in how many steps a convolution is computed",
  "*.force_nd_im2col": "by which code windows are computed",
  "*.negative_slope": FUSED,
  "*.pre_fixed_normalizer": PRE_FIXED,
  "*.transform_test": TRAINING,
  "ConvLSTM.bias_filler": "lstm_conv_param is given twice at most; forks-recurrent.spec.ts fills blobs by it",
  "ConvLSTM.weight_filler": "lstm_conv_param is given twice at most; forks-recurrent.spec.ts fills blobs by it",
  "*.weight_by_label_freqs": SEGNET,
  "CTCLoss.loss_calculation_t": "CTC's cost is the same at every step",
  "Convolution3D.group": "C3D's does not read it",
  "ConvolutionDepthwise.group": "each channel is a group",
  "Correlation.do_abs": "of differences, which are refused",
  "Correlation.single_direction": "Correlation1D's",
  "Correlation1D.do_abs": "of differences, which are refused",
  "CtcLoss.ctc_merge_repeated": "warp-ctc has no such setting, and its layers do not read it",
  "CtcLoss.loss_calculation_t": "CTC's cost is the same at every step",
  "CtcLoss.output_delay": "warp-ctc has no such setting, and its layers do not read it",
  "CtcLoss.preprocess_collapse_repeated": "warp-ctc has no such setting, and its layers do not read it",
  "Deconvolution3D.group": "C3D's does not read it",
  "DenseBlock.use_dropout": DROPPED,
  "DepthwiseConvolution.group": "each channel is a group",
  "DetectionEvaluate.resize_param": "belongs to name_size_file, of which a spec is elsewhere",
  "DetectionOutput.input_height": "belongs to normalized: false, of which cases are elsewhere",
  "DetectionOutput.input_width": "belongs to normalized: false, of which cases are elsewhere",
  "DetectionOutput.save_file": "says what is written or shown, and not what is computed",
  "DetectionOutput.save_output_param": "says what is written or shown, and not what is computed",
  "DetectionOutput.visualize": "says what is written or shown, and not what is computed",
  "DetectionOutput.visualize_threshold": "says what is written or shown, and not what is computed",
  "Im2col.bias_filler": "windows alone",
  "Im2col.bias_term": "windows alone",
  "Im2col.group": "windows alone",
  "Im2col.num_output": "windows alone",
  "Im2col.weight_filler": "windows alone",
  "InfogainLoss.source": "a file, and the third bottom goes before it",
  "LabelSpecificMargin.margin_on_test": "the fork does not read it",
  "LabelSpecificMargin.reset_margin": "the fork does not read it",
  "MultiBoxFocalLoss.objectness_score": "belongs to the two bottoms of a second stage, of which cases are elsewhere",
  "MultiBoxFocalLoss.sample_size": "belongs to mining_type: HARD_EXAMPLE, of which cases are elsewhere",
  "MultiBoxFocalLoss.use_prior_for_nms": "belongs to mining_type: HARD_EXAMPLE, of which cases are elsewhere",
  "RegionLoss.absolute": UNREAD,
  "RegionLoss.class_map": UNREAD,
  "RegionLoss.coords": UNREAD,
  "RegionLoss.jitter": UNREAD,
  "RegionLoss.random": UNREAD,
  "RegionLoss.side": "the bottom says it",
  "RegionLoss.softmax": UNREAD,
  "Resample.factor": "the fork does not read it",
  "SmoothL1LossOHEM.ignore_label": "regions are ignored by their weights",
  "SoftmaxCrossEntropyLoss.ignore_label": "labels are probabilities",
  "WarpCTCLoss.ctc_merge_repeated": "warp-ctc has no such setting, and its layers do not read it",
  "WarpCTCLoss.loss_calculation_t": "CTC's cost is the same at every step",
  "WarpCTCLoss.output_delay": "warp-ctc has no such setting, and its layers do not read it",
  "WarpCTCLoss.preprocess_collapse_repeated": "warp-ctc has no such setting, and its layers do not read it",
  "YoloDetectionOutput.coords": "boxes have four coordinates",
  "YoloDetectionOutput.label_map_file": "names are for what is printed",
  "YoloDetectionOutput.side": "the bottom says it",
  "Yolov3.noobject_scale": UNREAD,
  "Yolov3.side": "the bottom says it",
};

const rows = (n: number, ...shape: readonly number[]) => [n, ...shape];
const BIASES = "biases: 1 biases: 2 biases: 3 biases: 1";
const YOLO = `num_classes: 2 ${BIASES}`;

/** Uses of types without a gradient to compare, which gradient.spec.ts has no cases of. */
const FORWARD: Readonly<Record<string, readonly Case[]>> = {
  Accuracy: [{ bottoms: [rows(4, 3), [4]] }, { bottoms: [rows(4, 3), [4]], tops: 2 }],
  ArgMax: [{ bottoms: [rows(2, 3)] }],
  BoxAnnotatorOHEM: [
    {
      bottoms: [rows(4, 5), [4], [4], [4, 8]],
      param: "box_annotator_ohem_param { roi_per_img: 2 ignore_label: -1 }",
      tops: 2,
    },
  ],
  CTCGreedyDecoder: [{ bottoms: [rows(3, 2, 4), [3, 2]] }],
  CTCLoss: [{ bottoms: [rows(3, 2, 4), [3, 2]] }, { bottoms: [rows(3, 2, 4), [3, 2], [3, 2]] }],
  CenterLoss: [{ bottoms: [rows(4, 3), [4]], param: "center_loss_param { num_output: 5 }" }],
  ContinuationIndicator: [{ bottoms: [], param: "continuation_indicator_param { time_step: 3 batch_size: 2 }" }],
  CtcLoss: [{ bottoms: [rows(3, 2, 4), [2, 2]], param: "ctc_loss_param { alphabet_size: 4 time_step: 3 }" }],
  DetectionEvaluate: [
    {
      bottoms: [rows(1, 1, 5, 7), [1, 1, 3, 8]],
      param: "detection_evaluate_param { num_classes: 3 background_label_id: 0 }",
    },
  ],
  DetectionOutput: [
    {
      bottoms: [rows(1, 8), [1, 6], [1, 2, 8]],
      param:
        "detection_output_param { num_classes: 3 share_location: true background_label_id: 0 nms_param { nms_threshold: 0.4 top_k: 5 } }",
      size: 4,
    },
    {
      bottoms: [rows(1, 8), [1, 6], [1, 2, 8], [1, 4], [1, 8]],
      param: "detection_output_param { num_classes: 3 share_location: true nms_param { top_k: 5 } }",
      size: 4,
    },
  ],
  DiceLoss: [{ bottoms: [rows(2, 2, 3, 3), [2, 1, 3, 3]] }],
  ImResize: [
    { bottoms: [rows(1, 2, 4, 4)], param: "imresize_param { factor: 2 }" },
    { bottoms: [rows(2, 1, 4, 4)], param: "imresize_param { start_scale: 1 }" },
  ],
  MarginInnerProduct: [
    { bottoms: [rows(4, 3), [4]], param: "margin_inner_product_param { num_output: 5 type: DOUBLE }" },
  ],
  MaskResize: [{ bottoms: [rows(2, 1, 4, 4)], param: "mask_resize_param { output_height: 6 output_width: 6 }" }],
  Nms: [{ bottoms: [rows(1, 3, 6, 6)], param: "nms_param { threshold: 0.1 max_peaks: 4 num_parts: 2 }" }],
  PriorBox: [
    {
      bottoms: [rows(1, 2, 3, 3), [1, 3, 30, 30]],
      param: "prior_box_param { min_size: 8 max_size: 14 aspect_ratio: 2 variance: [0.1, 0.1, 0.2, 0.2] }",
    },
  ],
  Proposal: [{ bottoms: [rows(1, 18, 3, 3), [1, 36, 3, 3], [1, 3]], size: 5, tops: 2 }],
  ROIWarping: [
    { bottoms: [rows(1, 2, 6, 6), [3, 5]], param: "roi_warping_param { pooled_h: 2 pooled_w: 2 spatial_scale: 1 }" },
  ],
  RankLoss: [{ bottoms: [[4], [4]] }],
  RegionLoss: [{ bottoms: [rows(1, 14, 3, 3), [1, 10]], param: `region_loss_param { num: 2 num_class: 2 ${BIASES} }` }],
  SegAccuracy: [{ bottoms: [rows(2, 3, 3, 3), [2, 1, 3, 3]] }],
  SequenceAccuracy: [{ bottoms: [rows(3, 2), [3, 2]] }],
  Threshold: [{}],
  WarpCTCLoss: [{ bottoms: [rows(3, 2, 4), [2, 2]] }],
  YoloDetectionOutput: [
    { bottoms: [rows(1, 14, 3, 3)], param: `yolo_detection_output_param { num_box: 2 ${YOLO} }`, size: 4 },
  ],
  Yolov3: [
    {
      bottoms: [rows(1, 14, 3, 3), [1, 10]],
      param: `yolov3_param { num: 2 num_class: 2 ${BIASES} mask: 0 mask: 1 anchors_scale: 10 use_logic_gradient: true }`,
    },
  ],
  Yolov3DetectionOutput: [
    {
      bottoms: [rows(1, 14, 3, 3)],
      param: `yolov3_detection_output_param { num_box: 2 ${YOLO} mask: 0 mask: 1 anchors_scale: 10 mask_group_num: 1 }`,
      size: 4,
    },
  ],
};

/** Values of a field, as a prototxt has them. */
function valuesOf(field: protobuf.Field): readonly string[] {
  const { resolvedType: type } = field;
  if (type && "values" in type)
    return Object.keys(type.values).filter((name) => type.values[name] !== field.defaultValue);
  if (type?.name === "FillerParameter") return ['{ type: "constant" value: 0.37 }'];
  if (type?.name === "BlobShape") return ["{ dim: [2, 2] }"];
  if (type) return ["{ }"];
  if (field.type === "bool") return ["true", "false"];
  if (field.type === "string") return ['"none"'];
  return /int/.test(field.type) ? ["2", "3", "1", "0", "5", "1000"] : ["0.3", "2", "0.5", "1.5"];
}

const NOT_READ = "Caffe reads it in V1 layers alone; it is warned about";
const DATUMS = "of encoded Datums; Caffe does not read it here either";
const SILENT_DATA: Readonly<Record<string, string>> = {
  "*.anno_type": "the annotations say it",
  "*.force_color": DATUMS,
  "*.force_encoded_color": "images are decoded as they are, and force_color says what they become",
  "*.force_gray": DATUMS,
  "*.label_map_file": "names are for what is printed",
  "AnnotatedData.yolo_data_jitter": "belongs to yolo_data_type, of which a spec is elsewhere",
  "ImageData.ignore_label": "of ImageSegData, which pads",
  "ImageLabelmapData.ignore_label": "of ImageSegData, which pads",
  "ImageLabelmapData.label_dim": "labels are images",
  "ImageSegData.label_dim": "labels are images",
  "WindowData.mean_file": NOT_READ,
  "WindowData.mirror": NOT_READ,
  ...Object.fromEntries(
    ["AnnotatedData", "Data", "ImageData", "ImageLabelmapData", "ImageSegData"].flatMap((type) =>
      ["crop_size", "mean_file", "mirror", "scale"].map((field) => [`${type}.${field}`, NOT_READ]),
    ),
  ),
};

/** Uses of data layers; FOLDER has a list of images and one of images and their maps. */
const FED: Readonly<Record<string, readonly { readonly tops: number; readonly param: string }[]>> = {
  AnnotatedData: [
    {
      tops: 2,
      param: 'data_param { source: "db" batch_size: 2 } transform_param { resize_param { height: 8 width: 8 } }',
    },
  ],
  Data: [{ tops: 2, param: 'data_param { source: "db" batch_size: 2 }' }],
  DenseImageData: [{ tops: 2, param: 'dense_image_data_param { source: "FOLDER/maps" batch_size: 2 }' }],
  DummyData: [{ tops: 1, param: "dummy_data_param { shape { dim: 2 } }" }],
  HDF5Data: [{ tops: 2, param: 'hdf5_data_param { source: "FOLDER/list" batch_size: 2 }' }],
  ImageData: [{ tops: 2, param: 'image_data_param { source: "FOLDER/list" batch_size: 2 }' }],
  ImageLabelmapData: [{ tops: 2, param: 'image_data_param { source: "FOLDER/maps" batch_size: 2 }' }],
  ImageSegData: [{ tops: 2, param: 'image_data_param { source: "FOLDER/maps" batch_size: 2 }' }],
  Input: [{ tops: 1, param: "input_param { shape { dim: 2 } }" }],
  MemoryData: [{ tops: 2, param: "memory_data_param { batch_size: 2 channels: 1 height: 3 width: 3 }" }],
  WindowData: [
    {
      tops: 2,
      param: 'window_data_param { source: "w" batch_size: 2 fg_threshold: 0.5 } transform_param { crop_size: 4 }',
    },
  ],
};

/** A text for what a data layer feeds: the description of its feed, and its shapes, or what is said against it. */
function fed(
  type: string,
  { tops, param }: { readonly tops: number; readonly param: string },
  phase: PhaseName,
): string {
  const names = Array.from({ length: tops }, (_, i) => `top: "y${i}"`).join(" ");
  try {
    const { layer } = loadNet(`layer { name: "l" type: "${type}" ${names} ${param} }`).message;
    const said = (work: () => unknown) => {
      try {
        return work();
      } catch (error) {
        if (error instanceof NetrunError) return error.message;
        throw error;
      }
    };
    const shapes = () => Array.from(lower(layer, { phase }).blobs, ([name, value]) => [name, value.type]);
    const feed = hasFeed(layer[0]!) ? said(() => feedSpec(layer[0]!, { phase, seed: 1, paths: (path) => path })) : "";
    return JSON.stringify([feed, said(shapes)]);
  } catch (error) {
    if (error instanceof NetrunError) return error.message;
    throw error;
  }
}

function lowered(type: string, example: Case, phase: PhaseName): LoweredNet {
  const sizes = example.size === undefined ? {} : { sizes: new Map([["l", example.size]]) };
  return lower(loadNet(caseNet(type, example).text).message.layer, { phase, ...sizes });
}

/** A text for what a net computes: nodes with their attributes and constants, and what is kept of it. */
function digest(net: LoweredNet): string {
  const outputs = [...net.blobs.values(), ...net.states.values(), ...net.carries.values()];
  const kept = [
    [...net.blobs.keys()],
    net.parameters.map(({ spec }) => spec),
    net.losses.map(({ blob, weight, value }) => [blob, weight, outputs.indexOf(value)]),
    net.files.map(({ path }) => path),
  ];
  return JSON.stringify([nodes(outputs), kept], plain);
}

function nodes(outputs: readonly Value[]): unknown {
  const order = topological(outputs);
  const ids = new Map(order.map((node, i) => [node, i]));
  const at = ({ node, index }: Value) => [ids.get(node), index];
  const rows = order.map((node) => {
    const bodies = Object.entries(bodiesOf(node));
    const attrs = bodies.length > 0 ? bodies.map(([name, body]) => [name, nodes(body.outputs)]) : node.attrs;
    return [node.op.name, attrs, node.outputs.map(({ type }) => type), node.inputs.map(at)];
  });
  return [rows, outputs.map(at)];
}

function plain(_: string, value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  if (!ArrayBuffer.isView(value)) return value;
  return createHash("sha1")
    .update(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
    .digest("hex");
}

/** Tests whether a setting changes what a case computes, or is refused there. */
function matters(type: string, param: string, field: protobuf.Field, example: Case): boolean {
  const phases: readonly PhaseName[] = [example.phase ?? "TEST", example.phase === "TRAIN" ? "TEST" : "TRAIN"];
  return phases.some((phase) => {
    const base = digestOr(type, example, phase);
    return valuesOf(field).some((value) => {
      const setting = `${param} { ${field.name}${value.startsWith("{") ? "" : ":"} ${value} `;
      const { param: own = "" } = example;
      const given = own.includes(`${param} {`) ? own.replace(`${param} {`, setting) : `${own} ${setting} }`;
      return digestOr(type, { ...example, param: given }, phase) !== base;
    });
  });
}

function digestOr(type: string, example: Case, phase: PhaseName): string {
  try {
    return digest(lowered(type, example, phase));
  } catch (error) {
    if (error instanceof NetrunError) return error.message;
    throw error;
  }
}

describe("every setting of a layer", () => {
  const folder = freshFolder();

  it("changes what some case of its type computes, is refused, or is named here with a reason", () => {
    const silent = new Set<string>();
    for (const { type, params } of catalog()) {
      const given: readonly Case[] | string = layerCases[type as keyof typeof layerCases];
      const cases = typeof given === "string" ? FORWARD[type] : given;
      if (!cases) continue;
      for (const { field: param, fields } of params) {
        const message = reflect("LayerParameter").fields[param]!.resolvedType!.name as MessageName;
        for (const { name } of fields) {
          if (cases.some(({ param: own = "" }) => new RegExp(`\\b${name}\\b`).test(own))) continue;
          const field = reflect(message).fields[name]!;
          if (cases.some((example) => matters(type, param, field, example))) continue;
          silent.add(Object.hasOwn(SILENT, `*.${name}`) ? `*.${name}` : `${type}.${name}`);
        }
      }
    }
    expect([...silent].sort()).to.deep.equal(Object.keys(SILENT).sort());
  }).timeout(30_000);

  it("of a data layer changes what is fed, is refused, or is named here with a reason", () => {
    writeFileSync(join(folder(), "list"), "a.png 0\nb.png 1\n");
    writeFileSync(join(folder(), "maps"), "a.png b.png\n");
    const silent = new Set<string>();
    for (const { type, params } of catalog().filter(({ data }) => data))
      for (const { field: param, fields } of params) {
        const message = reflect("LayerParameter").fields[param]!.resolvedType!.name as MessageName;
        for (const { name } of fields) {
          const values = valuesOf(reflect(message).fields[name]!);
          const isSeen = FED[type]!.some(({ tops, param: text }) => {
            const own = text.replaceAll("FOLDER", folder());
            if (new RegExp(`\\b${name}\\b`).test(own)) return true;
            const withSetting = (value: string) => {
              const setting = `${param} { ${name}${value.startsWith("{") ? "" : ":"} ${value} `;
              return own.includes(`${param} {`) ? own.replace(`${param} {`, setting) : `${own} ${setting} }`;
            };
            return (["TRAIN", "TEST"] as const).some((phase) => {
              const base = fed(type, { tops, param: own }, phase);
              return values.some((value) => fed(type, { tops, param: withSetting(value) }, phase) !== base);
            });
          });
          if (!isSeen) silent.add(Object.hasOwn(SILENT_DATA, `*.${name}`) ? `*.${name}` : `${type}.${name}`);
        }
      }
    expect([...silent].sort()).to.deep.equal(Object.keys(SILENT_DATA).sort());
  });
});
