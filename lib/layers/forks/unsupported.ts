import { sub } from "../../caffe/message.js";
import type { LayerParameter } from "../../caffe/messages.js";
import { croppedImages } from "../data-images.js";
import type { LayerFacts } from "../facts.js";

const ofDataParam = (layer: LayerParameter) => sub(layer, "data_param").batch_size;

/** Facts on layer types of forks that netrun cannot run: enough to replace them, or to convert a net without them. */
export const unsupportedTypes = {
  /** SSD's images with boxes. */
  AnnotatedData: { data: { origin: "unread", batchSize: ofDataParam, image: croppedImages } },
  /** Images whose labels are images. */
  DenseImageData: {
    data: {
      origin: "unread",
      batchSize: (layer) => sub(layer, "dense_image_data_param").batch_size,
      image: croppedImages,
    },
  },
  /** Compares SSD's detections with boxes. */
  DetectionEvaluate: { inference: { as: "nothing" } },
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
  VideoData: { data: { origin: "unread", batchSize: ofDataParam, image: croppedImages } },
} as const satisfies Readonly<Record<string, LayerFacts>>;
