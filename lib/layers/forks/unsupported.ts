import { create, sub } from "../../caffe/message.js";
import type { LayerParameter } from "../../caffe/messages.js";
import { unknownFields } from "../../text/notes.js";
import { croppedImages } from "../data-images.js";
import { type ExtraParam, extraFieldsOf, extraParam } from "../extra-param.js";
import type { LayerFacts } from "../facts.js";
import { IMAGE_INFO } from "../implied.js";
import { passFirst } from "./pass-first.js";

const ofDataParam = (layer: LayerParameter) => sub(layer, "data_param").batch_size;

const ofImageData = (layer: LayerParameter) => sub(layer, "image_data_param").batch_size;

/** The fields of clips, which C3D has in image_data_param and TSN in video_data_param. */
function clipFields({ image_data_param, video_data_param }: LayerParameter): ExtraParam {
  return extraFieldsOf([image_data_param, video_data_param].flatMap((param) => (param ? unknownFields(param) : [])));
}

const ofVideo = (layer: LayerParameter) =>
  Number(clipFields(layer)["batch_size"] ?? 0) || (layer.image_data_param ? ofImageData(layer) : ofDataParam(layer));

/** C3D and video-caffe: images one after another [3, length, h, w]; TSN, which says modality or num_segments: those of all segments as channels, 2 for optical flow. */
function clip(layer: LayerParameter): readonly number[] | undefined {
  const { new_length: length, num_segments: segments, modality } = clipFields(layer);
  const crop = sub(layer, "image_data_param").crop_size || undefined;
  const [, height = crop, width = crop] = croppedImages(layer) ?? [];
  if (!height || !width) return undefined;
  if (layer.image_data_param) return [3, Number(length ?? 1), height, width];
  if (length === undefined) return [3, height, width];
  if (segments === undefined && modality === undefined) return [3, Number(length), height, width];
  return [(modality === "RGB" ? 3 : 2) * Number(length) * Number(segments ?? 1), height, width];
}

/** Shapes of DetectNet's images and of the maps of their boxes, by NVIDIA's defaults. */
function detectNetShapes(layer: LayerParameter, images: readonly number[] | undefined) {
  const {
    image_size_x: width = 1248,
    image_size_y: height = 384,
    stride = 4,
    object_class: classes = [],
  } = extraParam(layer, "detectnet_groundtruth_param");
  if (!images) return [];
  const [rows = 1, channels = 3] = images;
  const list = (Array.isArray(classes) ? classes : [classes]) as readonly ExtraParam[];
  const last = Math.max(0, ...list.map(({ dst = 0 }) => Number(dst)));
  const cells = [height, width].map((size) => Math.round(Number(size) / Number(stride)));
  return [
    [rows, channels, Number(height), Number(width)],
    [rows, MAPS_OF_BOXES + last + 1, ...cells],
  ];
}

/** Maps of DetectNet's boxes that do not depend on the classes. */
const MAPS_OF_BOXES = 8;

/** Tests whether a layer subtracts one number, or nothing: a mean file or a mean for each channel is no Power. */
const isLessNumber = (layer: LayerParameter): boolean => {
  const { mean_value, mean_file } = sub(layer, "transform_param");
  return mean_value.length <= 1 && mean_file === "";
};

/** The images less the mean, as DetectNet's deploy nets have them. */
function lessMean(layer: LayerParameter): LayerParameter {
  const { name, bottom, top } = layer;
  const [mean = 0] = sub(layer, "transform_param").mean_value;
  const power_param = create("PowerParameter", { shift: -mean });
  return create("LayerParameter", { name, type: "Power", bottom: [bottom[0]!], top: [top[0]!], power_param });
}

/** Shape of the first bottom. */
const ofFirst: LayerFacts = { topShapes: (_, shapeOf) => [shapeOf(0)] };

/** Facts on layer types of forks that netrun cannot run: enough to replace them, or to convert a net without them. */
export const unsupportedTypes = {
  /** SparkNet's: rows of a data frame. */
  JavaData: {
    data: {
      origin: "program",
      batchSize: (layer) => Number(sub(layer, "java_data_param").shape?.dim[0] ?? 0),
      rowShapes: (layer) => [sub(layer, "java_data_param").shape?.dim.slice(1).map(Number)],
      image: croppedImages,
    },
  },
  /** Clips of videos. */
  VideoData: { data: { origin: "unread", batchSize: ofVideo, rowShapes: (layer) => [clip(layer)] } },
  /** CRFs give probabilities like the first bottom. */
  DenseCRF: ofFirst,
  MultiStageMeanfield: ofFirst,
  /** FlowNet's augmentation crops where it says a size. */
  DataAugmentation: {
    topShapes: (layer, shapeOf) => {
      const { crop_height: height = 0, crop_width: width = 0 } = extraParam(layer, "augmentation_param");
      const x = shapeOf(0);
      return [x && Number(height) > 0 && Number(width) > 0 ? [...x.slice(0, 2), Number(height), Number(width)] : x];
    },
  },
  /** MobileNet-YOLO's loss with masks. */
  YoloSeg: { inference: { as: "prediction" }, topShapes: ({ top }) => top.map(() => []) },
  /** Rows of a batch mixed in pairs, in training alone, and their labels as a probability for each class. */
  Mixup: {
    topShapes: (layer, shapeOf) => {
      const classes = Number(extraParam(layer, "mixup_param")["cls_num"] ?? 0);
      const labels = shapeOf(1);
      return [shapeOf(0), labels?.length === 2 ? labels : labels && classes > 0 ? [labels[0]!, classes] : undefined];
    },
    inference: { as: "layer", of: passFirst },
  },
  /** A decay of outputs, whose gradient depends on no loss; y = x. */
  OutputDecay: { ...ofFirst, inference: { as: "layer", of: passFirst } },
  /** JAA-Net's maps around points of a face, for 12 muscles and together. */
  AUMaskBasedLand: {
    topShapes: (layer, shapeOf) => {
      const { img_size: image = 0, spatial_scale: scale = 0 } = extraParam(layer, "au_mask_based_land_param");
      const size = Math.round(Number(image) * Number(scale));
      const n = shapeOf(0)?.[0];
      return layer.top.map(() => (n !== undefined && size > 0 ? [n, 1, size, size] : undefined));
    },
  },
  /** Values rounded to few bits, and all but the largest set to 0. */
  FixedNeuron: ofFirst,
  Topk: ofFirst,
  /** Bits drawn by probabilities. */
  Binarization: ofFirst,
  /** Negatives that are dropped from a label's maps. */
  LabelDropout: ofFirst,
  /** An image displaced by a flow. */
  FlowWarping: ofFirst,
  /** Coefficients of the 8 x 8 blocks of JPEGs, 64 channels of them, as their pixels. */
  BdctToSpatial: {
    topShapes: (_, shapeOf) => {
      const x = shapeOf(0);
      return [x?.length === 4 ? [x[0]!, 1, 8 * x[2]!, 8 * x[3]!] : undefined];
    },
  },
  /** An activation, of which only nets are published. */
  MinReLU: ofFirst,
  /** MyCaffe's rows with others of the same label and of other ones, and their labels. */
  DataSequence: {
    topShapes: (layer, shapeOf) => {
      const { output_labels: hasLabels } = extraParam(layer, "data_sequence_param");
      const x = shapeOf(0);
      const labels = hasLabels ? layer.top.length - 1 : layer.top.length;
      return layer.top.map((_, i) => (i < labels ? x : x && [x[0]!, labels, 1, 1]));
    },
  },
  /** MyCaffe's attention and perceptron with residuals. */
  TransformerBlock: ofFirst,
  /**
   * DetectNet's: images of the size that it says, distorted in training; in inference they are less the mean. And their boxes as maps:
   * foreground, corners, sizes, a norm, and a coverage for each class.
   */
  DetectNetTransformation: {
    topShapes: (layer, shapeOf) => detectNetShapes(layer, shapeOf(0)),
    specific: (layer) => (isLessNumber(layer) ? { inference: { as: "layer", of: lessMean } } : {}),
  },
  /** A share of predictions on the right side of 0, and a logarithm. */
  BAccuracy: { score: true, inference: { as: "nothing" }, topShapes: () => [[1, 2, 1, 1]] },
  /** Regions of an image, as many as there are: one when the layer is set up; and their scores. */
  RPN: {
    implies: () => IMAGE_INFO,
    topShapes: () => [
      [1, 5, 1, 1],
      [1, 1, 1, 1],
    ],
  },
  /** A restricted Boltzmann machine's hidden units, and what it takes the visible ones for. */
  RBMInnerProduct: {
    topShapes: (layer, shapeOf) => {
      const { connection_layer_param: connection } = extraParam(layer, "rbm_inner_product_param");
      const inner = (connection as ExtraParam | undefined)?.["inner_product_param"] as ExtraParam | undefined;
      const x = shapeOf(0);
      return [x && inner && [x[0]!, Number(inner["num_output"])], x];
    },
  },
} as const satisfies Readonly<Record<string, LayerFacts>>;
