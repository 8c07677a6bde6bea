import { sub } from "../../caffe/message.js";
import type { LayerParameter } from "../../caffe/messages.js";
import { croppedImages } from "../data-images.js";
import type { LayerFacts } from "../facts.js";

const ofDataParam = (layer: LayerParameter) => sub(layer, "data_param").batch_size;

/** Boxes of all images of a batch: as many as there are, of which one stands here. */
const boxes = () => [1, 1, 1, 8];

/** A label for each place of an image [n, c, h, w]. */
const maps = ([rows = 1, , ...places]: readonly number[]) => [rows, 1, ...places];

/** Facts on layer types of forks that netrun cannot run: enough to replace them, or to convert a net without them. */
export const unsupportedTypes = {
  /** SSD's images with boxes. */
  AnnotatedData: { data: { origin: "unread", batchSize: ofDataParam, otherTops: boxes } },
  /** Images whose labels are images. */
  DenseImageData: {
    data: {
      origin: "unread",
      batchSize: (layer) => sub(layer, "dense_image_data_param").batch_size,
      otherTops: maps,
    },
  },
  /** Compares SSD's detections with boxes. */
  DetectionEvaluate: { inference: { as: "nothing" }, topShapes: () => [[1, 1, 1, 5]] },
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
  VideoData: { data: { origin: "unread", batchSize: ofDataParam } },
} as const satisfies Readonly<Record<string, LayerFacts>>;
