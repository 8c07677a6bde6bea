import { sub } from "../../caffe/message.js";
import type { LayerParameter } from "../../caffe/messages.js";
import { unknownFields } from "../../text/notes.js";
import { croppedImages } from "../data-images.js";
import { type ExtraParam, extraFieldsOf, extraParam } from "../extra-param.js";
import type { LayerFacts } from "../facts.js";

const ofDataParam = (layer: LayerParameter) => sub(layer, "data_param").batch_size;

const ofImageData = (layer: LayerParameter) => sub(layer, "image_data_param").batch_size;

/** The fields of clips, which C3D has in image_data_param and TSN in video_data_param. */
function clipFields({ image_data_param, video_data_param }: LayerParameter): ExtraParam {
  return extraFieldsOf([image_data_param, video_data_param].flatMap((param) => (param ? unknownFields(param) : [])));
}

const ofVideo = (layer: LayerParameter) =>
  Number(clipFields(layer)["batch_size"] ?? 0) || (layer.image_data_param ? ofImageData(layer) : ofDataParam(layer));

/** C3D: images one after another [3, length, h, w]; TSN: those of all segments as channels, 2 for optical flow. */
function clip(layer: LayerParameter): readonly number[] | undefined {
  const { new_length: length, num_segments: segments = 1, modality = "FLOW" } = clipFields(layer);
  const crop = sub(layer, "image_data_param").crop_size || undefined;
  const [, height = crop, width = crop] = croppedImages(layer) ?? [];
  if (!height || !width) return undefined;
  if (layer.image_data_param) return [3, Number(length ?? 1), height, width];
  if (length === undefined) return [3, height, width];
  return [(modality === "RGB" ? 3 : 2) * Number(length) * Number(segments), height, width];
}

/** A label for each place of an image [n, c, h, w]. */
const maps = ([rows = 1, , ...places]: readonly number[]) => [rows, 1, ...places];

/** Facts on layer types of forks that netrun cannot run: enough to replace them, or to convert a net without them. */
export const unsupportedTypes = {
  /** Images whose labels are images. */
  DenseImageData: {
    data: {
      origin: "unread",
      batchSize: (layer) => sub(layer, "dense_image_data_param").batch_size,
      otherTops: maps,
    },
  },
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
  /** DeepLab's and HED's images whose labels are images. */
  ImageSegData: { data: { origin: "unread", batchSize: ofImageData, otherTops: maps } },
  ImageLabelmapData: { data: { origin: "unread", batchSize: ofImageData, otherTops: maps } },
  /** CRFs give probabilities like the first bottom. */
  DenseCRF: { topShapes: (_, shapeOf) => [shapeOf(0)] },
  MultiStageMeanfield: { topShapes: (_, shapeOf) => [shapeOf(0)] },
  /** FlowNet's augmentation crops where it says a size. */
  DataAugmentation: {
    topShapes: (layer, shapeOf) => {
      const { crop_height: height = 0, crop_width: width = 0 } = extraParam(layer, "augmentation_param");
      const x = shapeOf(0);
      return [x && Number(height) > 0 && Number(width) > 0 ? [...x.slice(0, 2), Number(height), Number(width)] : x];
    },
  },
  /** MobileNet-YOLO's losses. */
  Yolov3: { inference: { as: "prediction" }, topShapes: ({ top }) => top.map(() => []) },
  YoloSeg: { inference: { as: "prediction" }, topShapes: ({ top }) => top.map(() => []) },
} as const satisfies Readonly<Record<string, LayerFacts>>;
